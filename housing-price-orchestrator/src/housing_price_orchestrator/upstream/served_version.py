"""What serves one version of the model, opened and closed as a unit: a part of the composition root (`app.py`)."""

import asyncio
import contextlib
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass

from housing_price_orchestrator.composition.telemetry import ComposedTelemetry
from housing_price_orchestrator.provider.model_server.columns import Row
from housing_price_orchestrator.provider.model_server.mlflow_client import client_for
from housing_price_orchestrator.provider.model_server.mlflow_price_model import READINESS_CALL_ID, MLflowPriceModel
from housing_price_orchestrator.service.resilience.admission import AdmissionPriceModel
from housing_price_orchestrator.service.resilience.balancing import BalancedPriceModel
from housing_price_orchestrator.service.resilience.circuit_breaker import Circuit, CircuitBreakerPriceModel
from housing_price_orchestrator.service.resilience.circuit_watch import CircuitWatch
from housing_price_orchestrator.service.resilience.coalescing import CoalescingPriceModel
from housing_price_orchestrator.service.resilience.deadline import DeadlinePriceModel
from housing_price_orchestrator.service.resilience.fallback import FallbackPriceModel
from housing_price_orchestrator.service.resilience.one_model import OneModelPriceModel
from housing_price_orchestrator.service.resilience.price_memory import PriceMemory
from housing_price_orchestrator.service.resilience.retry import RetryBudget, RetryPriceModel
from housing_price_orchestrator.service.routing.variant_statistics import VariantRecord
from housing_price_orchestrator.settings import Settings
from housing_price_orchestrator.shared.ports import PriceModel, Variant
from housing_price_orchestrator.shared.view.example import EXAMPLE_HOUSE
from housing_price_orchestrator.shared.view.routes import Route

SLOW_SHARE_OF_DEADLINE = 0.9
"""With a short deadline a call is slow before its callers give up: else nothing would ever be seen to be slow."""

SECONDS_BETWEEN_LOOKS = 0.02
"""How soon it is noticed that the last request has ended."""


@dataclass(frozen=True, slots=True)
class ServedModel:
    """The model servers of one route and the wrappers around them, with nothing shared with another one."""

    route: Route
    variant: Variant
    priced: DeadlinePriceModel
    """For callers; refuses what could not be answered in time."""
    priced_patiently: DeadlinePriceModel
    """For those who have waited for their turn already."""
    aside: PriceModel
    """For questions of our own that callers go before; they are in no record, and never answered from memory."""
    probe: PriceModel
    """For questions of our own that do not wait: whether it is well."""
    record: VariantRecord | None
    """What was seen of it."""
    coalesced: CoalescingPriceModel
    """Knows what waits and what is under way."""
    retrying: RetryPriceModel
    """Counts the retries."""
    circuits: Sequence[Circuit]
    """One for each address, in their order."""
    _stack: contextlib.AsyncExitStack

    @property
    def is_idle(self) -> bool:
        """Whether nobody waits for a price of it."""
        return not self.priced.under_way and not self.priced_patiently.under_way

    def serves(self, route: Route, variant: Variant) -> bool:
        """Tell whether it is what is needed there: the same model at the same addresses, in the same part."""
        ours = self.route
        return self.variant == variant and (
            (ours.version, ours.model_id, ours.addresses) == (route.version, route.model_id, route.addresses)
        )

    async def drained(self) -> None:
        """Wait until every request has ended; the deadline sees to it that each does."""
        while not self.is_idle:  # noqa: ASYNC110 - an event would have to be set by each request
            await asyncio.sleep(SECONDS_BETWEEN_LOOKS)

    async def aclose(self) -> None:
        """Close its connections, and leave its model servers alone."""
        await self._stack.aclose()


async def open_served(
    settings: Settings,
    telemetry: ComposedTelemetry,
    route: Route,
    variant: Variant = "champion",
    *,
    memory: PriceMemory[Row] | None = None,
    record: VariantRecord | None = None,
) -> ServedModel:
    """Open what asks the model servers of `route`; nothing is asked yet.

    Where prices may come from memory, `memory` is theirs; two parts never share one. `record` is told of each request.
    """
    async with contextlib.AsyncExitStack() as stack:
        breakers, probes = await _open_addresses(settings, telemetry, route, variant, stack)
        upstream, seconds = settings.model_server, settings.requests.deadline_seconds
        retrying = RetryPriceModel(
            BalancedPriceModel(breakers),
            budget=RetryBudget(ratio=settings.retry.budget_ratio, floor=settings.retry.budget_floor),
            max_attempts=settings.retry.max_attempts,
            backoff_seconds=settings.retry.backoff_seconds,
        )
        coalesced = CoalescingPriceModel(
            telemetry.around_calls(retrying),
            max_rows=upstream.max_rows_per_call,
            max_calls=upstream.max_calls * len(breakers),
            max_waiting_rows=upstream.max_waiting_rows,
            call_seconds=settings.admission.call_seconds,
        )
        patient = OneModelPriceModel(coalesced)
        admission = AdmissionPriceModel(patient, coalesced, share_of_deadline=settings.admission.share_of_deadline)
        priced, priced_patiently = (
            DeadlinePriceModel(_remembering(settings, model, memory), seconds=seconds, record=record)
            for model in (admission, patient)
        )
        return ServedModel(
            route=route,
            variant=variant,
            priced=priced,
            priced_patiently=priced_patiently,
            aside=DeadlinePriceModel(admission, seconds=seconds),
            record=record,
            probe=DeadlinePriceModel(BalancedPriceModel(probes), seconds=settings.readiness.probe_timeout_seconds),
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
) -> tuple[list[CircuitBreakerPriceModel], list[CircuitBreakerPriceModel]]:
    """Open each address; gives what asks them for callers, and what asks them for ourselves."""
    upstream, seconds = settings.model_server, settings.requests.deadline_seconds
    slow_seconds = min(settings.circuit.slow_call_seconds, SLOW_SHARE_OF_DEADLINE * seconds)
    breakers, probes = [], []
    for address in route.addresses:
        client = client_for(
            str(address),
            timeout_seconds=seconds,
            connect_timeout_seconds=upstream.connect_timeout_seconds,
            # Two more than the calls, for what readiness and the circuit's watch ask.
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
        ours = MLflowPriceModel(
            client, model_name=upstream.model_name, variant=variant, new_call_id=lambda: READINESS_CALL_ID
        )
        breakers.append(CircuitBreakerPriceModel(model, circuit, slow_seconds=slow_seconds))
        probes.append(CircuitBreakerPriceModel(ours, circuit, slow_seconds=slow_seconds))
        watch = CircuitWatch(circuit, ours, EXAMPLE_HOUSE, slow_seconds=slow_seconds)
        run_until_closed(watch.keep_watching(), stack)
    return breakers, probes


def _remembering(settings: Settings, model: PriceModel, memory: PriceMemory[Row] | None) -> PriceModel:
    fallback = settings.fallback
    if memory is None:
        return model
    return FallbackPriceModel(
        model, memory, cache_seconds=fallback.cache_seconds, last_known_seconds=fallback.last_known_seconds
    )


def run_until_closed(work: Coroutine[None, None, None], stack: contextlib.AsyncExitStack) -> None:
    """Keep something running until the stack is closed."""
    stack.push_async_callback(ended, asyncio.create_task(work))


async def ended(task: asyncio.Task[None]) -> None:
    """Cancel a task and wait until it has ended."""
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
