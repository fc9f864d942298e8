"""One version of the price model in one role: its served model, memory and statistics. Part of the composition root."""

import asyncio
from dataclasses import dataclass
from typing import Final

from housing_price_orchestrator.composition.telemetry import ComposedTelemetry
from housing_price_orchestrator.provider.model_server.columns import Row
from housing_price_orchestrator.provider.model_server.input_ranges import MLflowInputRanges
from housing_price_orchestrator.provider.model_server.mlflow_price_model import MLflowPriceModel
from housing_price_orchestrator.service.input_warnings import InputWarnings, RangeLearningModel
from housing_price_orchestrator.service.resilience.deadline import DeadlineModel
from housing_price_orchestrator.service.resilience.fallback import FallbackPriceModel
from housing_price_orchestrator.service.resilience.price_memory import PriceMemory
from housing_price_orchestrator.service.routing.variant_statistics import VariantStatistics
from housing_price_orchestrator.settings import Settings
from housing_price_orchestrator.shared.ports import PriceEstimate, PriceModel, Variant
from housing_price_orchestrator.shared.view.example import EXAMPLE_HOUSE
from housing_price_orchestrator.shared.view.record import AnyHouse
from housing_price_orchestrator.shared.view.routes import Route
from housing_price_orchestrator.upstream.served_model import ModelDefinition, ServedModel, open_served_model

IDLE_POLL_SECONDS: Final = 0.02
"""Poll interval while waiting for the last request in flight."""


@dataclass(frozen=True, slots=True)
class ServedVersion:
    """The model servers of one route. Versions share no connection, queue or circuit."""

    route: Route
    variant: Variant
    served: ServedModel[AnyHouse, PriceEstimate]
    """The model servers behind their wrappers."""
    online: DeadlineModel[AnyHouse, PriceEstimate]
    """For API requests: admission control refuses what would miss its deadline."""
    bulk: DeadlineModel[AnyHouse, PriceEstimate]
    """For streams and file jobs, which limit their own rate: no admission control."""
    background: PriceModel
    """For canary comparisons: refused under load, absent from the statistics, never answered from memory."""
    probe: PriceModel
    """For health probes: skips the queue and is never retried. Learns the ranges of the model that answers."""
    statistics: VariantStatistics | None
    """Counts the requests that this version prices."""

    @property
    def is_idle(self) -> bool:
        """Whether no request is in flight."""
        return not self.online.in_flight and not self.bulk.in_flight

    def serves(self, route: Route, variant: Variant) -> bool:
        """Return whether this is the same variant, version and model at the same addresses as `route`."""
        return self.variant == variant and self.route.has_same_servers(route)

    async def wait_until_idle(self) -> None:
        """Wait until no request is in flight; the deadline bounds the wait."""
        while not self.is_idle:  # noqa: ASYNC110 - an event would cost every request
            await asyncio.sleep(IDLE_POLL_SECONDS)


async def open_served_version(
    settings: Settings,
    telemetry: ComposedTelemetry,
    route: Route,
    variant: Variant = "champion",
    *,
    input_warnings: InputWarnings,
    memory: PriceMemory[Row] | None = None,
    statistics: VariantStatistics | None = None,
) -> ServedVersion:
    """Open the clients and wrappers for the model servers of `route`; no request is sent yet.

    Args:
        settings: limits and timeouts.
        telemetry: observes calls.
        route: the version and its addresses.
        variant: whether the version serves as champion or canary.
        input_warnings: learns the ranges of the version's model.
        memory: the price memory of this variant, which no other variant shares; None to answer from the model only.
        statistics: counts each request.
    """
    upstream, seconds = settings.model_server, settings.requests.deadline_seconds
    definition: ModelDefinition[AnyHouse, PriceEstimate] = ModelDefinition(
        kind="price",
        adapter=MLflowPriceModel,
        model_name=upstream.model_name,
        probe_question=EXAMPLE_HOUSE,
        deadline_seconds=seconds,
        max_calls=upstream.max_calls,
        max_rows_per_call=upstream.max_rows_per_call,
    )
    served = await open_served_model(settings, telemetry, definition, list(map(str, route.addresses)), variant)
    online, bulk = (
        DeadlineModel(_with_memory(settings, model, memory), seconds=seconds, statistics=statistics)
        for model in (served.admitted, served.unadmitted)
    )
    return ServedVersion(
        route=route,
        variant=variant,
        served=served,
        online=online,
        bulk=bulk,
        background=DeadlineModel(served.admitted, seconds=seconds),
        probe=RangeLearningModel(
            served.probe,
            input_warnings,
            [MLflowInputRanges(client) for client in served.clients],
            within_seconds=settings.readiness.probe_timeout_seconds,
        ),
        statistics=statistics,
    )


def _with_memory(settings: Settings, model: PriceModel, memory: PriceMemory[Row] | None) -> PriceModel:
    fallback = settings.fallback
    if memory is None:
        return model
    return FallbackPriceModel(
        model, memory, cache_seconds=fallback.cache_seconds, last_known_seconds=fallback.last_known_seconds
    )
