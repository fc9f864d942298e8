"""The versions of the model that answer, and moves of them, as operators see them."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import Field

from housing_price_orchestrator.shared.routing import RoutingState, SeenVariant
from housing_price_orchestrator.shared.view.base import View
from housing_price_orchestrator.shared.view.routes import CanaryLimits, Share


class SeenOf(View):
    """What the process that answers has seen of a version in its part, since that process began."""

    requests: int
    """How many requests, or parts of batches, it answered."""
    errors: int
    """How many it did not answer."""
    p50_seconds: float | None
    """The median of how long the answers took, estimated; null where there were none."""
    p99_seconds: float | None
    """The same of the slowest one in a hundred."""
    median_deviation: float | None
    """Of a canary: how far its prices are from the champion's for the same houses: median |log(price / price)|."""


class RoutedModel(View):
    """A version that is in service."""

    version: str
    """Its version; `unknown` where the addresses are configured and no route names it."""
    model_id: str
    """Its id."""
    addresses: list[str]
    """Where its model servers are."""
    weight: float
    """The share of the houses that it answers for now."""
    seen: SeenOf
    """What was seen of it."""

    @classmethod
    def of(cls, seen: SeenVariant) -> Self:
        """Show a version."""
        return cls.model_validate(
            {
                "version": seen.version,
                "modelId": seen.model_id,
                "addresses": list(seen.addresses),
                "weight": seen.weight,
                "seen": {
                    "requests": seen.answered,
                    "errors": seen.failed,
                    "p50Seconds": seen.p50_seconds,
                    "p99Seconds": seen.p99_seconds,
                    "medianDeviation": seen.median_deviation,
                },
            }
        )


class StoppedModel(View):
    """A canary that this process has stopped by itself."""

    version: str
    """Its version."""
    revision: int
    """The revision of the routes that it was in; others are a new beginning."""
    reason: str
    """Which limit it passed."""
    stopped_at: datetime
    """When that was."""


class RoutedModels(View):
    """Who answers, in the process that was asked."""

    revision: int
    """The revision of the routes that it uses; 0 where it follows none."""
    is_file_usable: bool | None
    """Whether the file of routes can be used as it is now; null where there is none."""
    champion: RoutedModel
    """Answers wherever nobody else does."""
    canary: RoutedModel | None
    """Answers for some houses; with a weight of 0 while it does not answer yet, or was stopped."""
    shadow: RoutedModel | None
    """Sees copies of what is asked."""
    stopped: StoppedModel | None
    """The canary of these routes, where this process has stopped it."""

    @classmethod
    def of(cls, state: RoutingState) -> Self:
        """Show who answers."""
        parts = {one.variant: RoutedModel.of(one) for one in state.variants}
        stopped = state.stopped
        return cls.model_validate(
            {
                "revision": state.revision,
                "isFileUsable": state.is_file_usable,
                "champion": parts["champion"],
                "canary": parts.get("canary"),
                "shadow": parts.get("shadow"),
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


class MoveOrder(View):
    """Why a version is moved."""

    reason: Annotated[str, Field(max_length=1_000, examples=["better on the June sales"])] = ""
    """Kept with the move."""


class CanaryOrder(MoveOrder):
    """How much a canary is to answer for."""

    weight: Share
    """The share of the houses."""
    limits: CanaryLimits | None = None
    """When it is stopped; null leaves what is usual."""


class ShadowOrder(MoveOrder):
    """How much a shadow is to see."""

    sample: Share = 1.0
    """The share of the requests."""
