"""The chain of wrappers that serves one model version, opened and closed as a unit. Part of the composition root."""

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from housing_price_orchestrator.composition.tasks import run_until_closed
from housing_price_orchestrator.composition.telemetry import ComposedTelemetry
from housing_price_orchestrator.provider.model_server.columns import Row
from housing_price_orchestrator.provider.model_server.input_ranges import MLflowInputRanges
from housing_price_orchestrator.provider.model_server.mlflow_client import client_for
from housing_price_orchestrator.provider.model_server.mlflow_price_model import READINESS_CALL_ID, MLflowPriceModel
from housing_price_orchestrator.service.input_warnings import InputWarnings, RangeLearningModel
from housing_price_orchestrator.service.resilience.admission import AdmissionModel
from housing_price_orchestrator.service.resilience.balancing import BalancedModel
from housing_price_orchestrator.service.resilience.circuit_breaker import Circuit, CircuitBreakerModel
from housing_price_orchestrator.service.resilience.circuit_watch import CircuitWatch
from housing_price_orchestrator.service.resilience.coalescing import CoalescingModel
from housing_price_orchestrator.service.resilience.deadline import DeadlineModel
from housing_price_orchestrator.service.resilience.fallback import FallbackPriceModel
from housing_price_orchestrator.service.resilience.one_version import OneVersionModel
from housing_price_orchestrator.service.resilience.price_memory import PriceMemory
from housing_price_orchestrator.service.resilience.retry import RetryBudget, RetryModel
from housing_price_orchestrator.service.routing.variant_statistics import VariantStatistics
from housing_price_orchestrator.settings import Settings
from housing_price_orchestrator.shared.ports import PriceEstimate, PriceModel, Variant
from housing_price_orchestrator.shared.view.example import EXAMPLE_HOUSE
from housing_price_orchestrator.shared.view.record import AnyHouse
from housing_price_orchestrator.shared.view.routes import Route

type _Breaker = CircuitBreakerModel[AnyHouse, PriceEstimate]

SLOW_SHARE_OF_DEADLINE: Final = 0.9
"""A call counts as slow after this share of the deadline at the latest, because callers cancel it at the deadline."""

IDLE_POLL_SECONDS: Final = 0.02
"""Poll interval while waiting for the last request in flight."""


@dataclass(frozen=True, slots=True)
class ServedVersion:
    """The model servers of one route behind their wrappers. Versions share no connection, queue or circuit."""

    route: Route
    variant: Variant
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
    coalesced: CoalescingModel[AnyHouse, PriceEstimate]
    """The queue, and the calls in flight."""
    retrying: RetryModel[AnyHouse, PriceEstimate]
    """The retry counters."""
    circuits: Sequence[Circuit]
    """One circuit per address, in the order of the route."""
    _stack: contextlib.AsyncExitStack

    @property
    def is_idle(self) -> bool:
        """Whether no request is in flight."""
        return not self.online.in_flight and not self.bulk.in_flight

    def serves(self, route: Route, variant: Variant) -> bool:
        """Return whether this is the same variant, version and model at the same addresses as `route`."""
        own = self.route
        return self.variant == variant and (
            (own.version, own.model_id, own.addresses) == (route.version, route.model_id, route.addresses)
        )

    async def wait_until_idle(self) -> None:
        """Wait until no request is in flight; the deadline bounds the wait."""
        while not self.is_idle:  # noqa: ASYNC110 - an event would cost every request
            await asyncio.sleep(IDLE_POLL_SECONDS)

    async def aclose(self) -> None:
        """Close the connections and stop the circuit watches. The model servers keep running."""
        await self._stack.aclose()


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
    async with contextlib.AsyncExitStack() as stack:
        breakers, probes, sources = await _open_addresses(settings, telemetry, route, variant, stack)
        upstream, seconds = settings.model_server, settings.requests.deadline_seconds
        retrying = RetryModel(
            BalancedModel(breakers),
            budget=RetryBudget(ratio=settings.retry.budget_ratio, floor=settings.retry.budget_floor),
            max_attempts=settings.retry.max_attempts,
            backoff_seconds=settings.retry.backoff_seconds,
        )
        coalesced = CoalescingModel(
            telemetry.wrap_calls(retrying),
            max_rows=upstream.max_rows_per_call,
            max_calls=upstream.max_calls * len(breakers),
            max_waiting_rows=upstream.max_waiting_rows,
            call_seconds=settings.admission.call_seconds,
        )
        unadmitted = OneVersionModel(coalesced)
        admission = AdmissionModel(unadmitted, coalesced, share_of_deadline=settings.admission.share_of_deadline)
        online, bulk = (
            DeadlineModel(_with_memory(settings, model, memory), seconds=seconds, statistics=statistics)
            for model in (admission, unadmitted)
        )
        probe_seconds = settings.readiness.probe_timeout_seconds
        return ServedVersion(
            route=route,
            variant=variant,
            online=online,
            bulk=bulk,
            background=DeadlineModel(admission, seconds=seconds),
            statistics=statistics,
            probe=RangeLearningModel(
                DeadlineModel(BalancedModel(probes), seconds=probe_seconds),
                input_warnings,
                sources,
                within_seconds=probe_seconds,
            ),
            coalesced=coalesced,
            retrying=retrying,
            circuits=tuple(breaker.circuit for breaker in breakers),
            _stack=stack.pop_all(),
        )


async def _open_addresses(
    settings: Settings,
    telemetry: ComposedTelemetry,
    route: Route,
    variant: Variant,
    stack: contextlib.AsyncExitStack,
) -> tuple[list[_Breaker], list[_Breaker], list[MLflowInputRanges]]:
    """Open each address; returns a model for requests, one for health probes and a source of ranges for each."""
    upstream, seconds = settings.model_server, settings.requests.deadline_seconds
    slow_seconds = min(settings.circuit.slow_call_seconds, SLOW_SHARE_OF_DEADLINE * seconds)
    breakers, probes, sources = [], [], []
    for address in route.addresses:
        client = client_for(
            str(address),
            timeout_seconds=seconds,
            connect_timeout_seconds=upstream.connect_timeout_seconds,
            # Two more than the calls, for the readiness probe and the circuit watch.
            connections=upstream.max_calls * len(route.addresses) + 2,
            tracer=telemetry.tracer,
        )
        await stack.enter_async_context(client)
        circuit = Circuit(
            client.address,
            max_failures=settings.circuit.max_failures,
            max_slow_calls=settings.circuit.max_slow_calls,
            open_seconds=settings.circuit.open_seconds,
            max_open_seconds=settings.circuit.max_open_seconds,
        )
        model = MLflowPriceModel(client, model_name=upstream.model_name, variant=variant)
        probe = MLflowPriceModel(
            client, model_name=upstream.model_name, variant=variant, new_call_id=lambda: READINESS_CALL_ID
        )
        breakers.append(CircuitBreakerModel(model, circuit, slow_seconds=slow_seconds))
        probes.append(CircuitBreakerModel(probe, circuit, slow_seconds=slow_seconds))
        sources.append(MLflowInputRanges(client))
        watch = CircuitWatch(circuit, probe, EXAMPLE_HOUSE, slow_seconds=slow_seconds)
        run_until_closed(watch.run(), stack)
    return breakers, probes, sources


def _with_memory(settings: Settings, model: PriceModel, memory: PriceMemory[Row] | None) -> PriceModel:
    fallback = settings.fallback
    if memory is None:
        return model
    return FallbackPriceModel(
        model, memory, cache_seconds=fallback.cache_seconds, last_known_seconds=fallback.last_known_seconds
    )
