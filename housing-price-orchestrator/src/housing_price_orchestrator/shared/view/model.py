"""Model versions in service."""

from datetime import datetime
from typing import Self

from housing_price_orchestrator.shared.routing import ComparablesState, RoutingState, VariantState
from housing_price_orchestrator.shared.view.base import View


class SeenOf(View):
    """Statistics of a version in its role since the start of the worker process that answers this request."""

    requests: int
    """The number of requests, or parts of batches, that the version answered."""
    errors: int
    """The number of requests, or parts of batches, that the version failed to answer."""
    p50_seconds: float | None
    """The estimated median latency, in seconds; null without answers."""
    p99_seconds: float | None
    """The estimated 99th percentile of the latency, in seconds; null without answers."""
    median_deviation: float | None
    """For a canary, the median of |log(canary price / champion price)| for the same houses; otherwise null."""


class RoutedModel(View):
    """A model version in service."""

    version: str
    """The version; `unknown` if the model servers are configured without a routes file."""
    model_id: str
    """The id of the model."""
    registry_page: str | None
    """The address of the version's page in the model registry; null if the version or the registry is not known."""
    addresses: list[str]
    """The URLs of its model servers."""
    weight: float
    """The share of houses that the version prices now."""
    seen: SeenOf
    """Statistics of the version."""

    @classmethod
    def of(cls, state: VariantState, registry_pages: str | None) -> Self:
        """Build the document of a version; `registry_pages` followed by its number is the address of its page."""
        has_page = registry_pages is not None and state.version.isdecimal()
        return cls.model_validate(
            {
                "version": state.version,
                "modelId": state.model_id,
                "registryPage": f"{registry_pages}{state.version}" if has_page else None,
                "addresses": list(state.addresses),
                "weight": state.weight,
                "seen": {
                    "requests": state.answered,
                    "errors": state.failed,
                    "p50Seconds": state.p50_seconds,
                    "p99Seconds": state.p99_seconds,
                    "medianDeviation": state.median_deviation,
                },
            }
        )


class StoppedModel(View):
    """A canary that this worker process stopped because it exceeded a limit."""

    version: str
    """The version of the canary."""
    revision: int
    """The revision of the routes in which the canary was stopped. A new revision starts over."""
    reason: str
    """The limit that was exceeded."""
    stopped_at: datetime
    """When the canary was stopped."""


class ComparablesModelInService(View):
    """The model that finds comparable sales for valuations."""

    version: str | None
    """The version; null until the model has answered once."""
    model_id: str | None
    """The id of the model; null until the model has answered once."""
    is_answering: bool
    """Whether the model answers. Without it, valuations have the price alone."""
    addresses: list[str]
    """The URLs of its model servers."""

    @classmethod
    def of(cls, state: ComparablesState) -> Self:
        """Build the document of the model."""
        model = state.model
        return cls.model_validate(
            {
                "version": None if model is None else model.version,
                "modelId": None if model is None else model.id,
                "isAnswering": state.is_answering,
                "addresses": list(state.addresses),
            }
        )


class OperatorTools(View):
    """The addresses of the web pages for operators."""

    mlflow: str | None
    """The address of MLflow; null if the service does not know it."""
    grafana: str | None
    """The address of Grafana; null if the service does not know it."""


class RoutedModels(View):
    """The model versions in service, as known to the worker process that answers."""

    revision: int
    """The revision of the routes in use; 0 without a routes file."""
    is_file_usable: bool | None
    """Whether the current routes file is valid; null without a routes file."""
    champion: RoutedModel
    """The version that prices all houses not routed to the canary."""
    canary: RoutedModel | None
    """The version on trial. Its weight is 0 before it starts and after it is stopped."""
    shadow: RoutedModel | None
    """The version that receives copies of requests; its prices are not returned."""
    stopped: StoppedModel | None
    """The canary of the current routes, if this process stopped it."""
    comparables: ComparablesModelInService | None
    """The model that finds comparable sales; null if none is configured."""
    tools: OperatorTools
    """The web pages for operators."""

    @classmethod
    def of(cls, state: RoutingState, registry_pages: str | None, tools: OperatorTools) -> Self:
        """Build the document of the versions in service; see `RoutedModel.of`."""
        by_role = {variant.variant: RoutedModel.of(variant, registry_pages) for variant in state.variants}
        stopped = state.stopped
        return cls.model_validate(
            {
                "revision": state.revision,
                "isFileUsable": state.is_file_usable,
                "champion": by_role["champion"],
                "canary": by_role.get("canary"),
                "shadow": by_role.get("shadow"),
                "tools": tools,
                "comparables": None if state.comparables is None else ComparablesModelInService.of(state.comparables),
                "stopped": None
                if stopped is None
                else StoppedModel.model_validate(
                    {
                        "version": stopped.version,
                        "revision": stopped.revision,
                        "reason": stopped.reason,
                        "stoppedAt": stopped.at,
                    }
                ),
            }
        )
