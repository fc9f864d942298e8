"""The model servers and the wrappers around them, put together for `app`."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from dataclasses import dataclass

from housing_price_orchestrator.composition.telemetry import ComposedTelemetry
from housing_price_orchestrator.provider.model_server.mlflow_client import client_for
from housing_price_orchestrator.provider.model_server.mlflow_price_model import READINESS_CALL_ID, MLflowPriceModel
from housing_price_orchestrator.provider.resilience.admission import AdmissionPriceModel
from housing_price_orchestrator.provider.resilience.balancing import BalancedPriceModel
from housing_price_orchestrator.provider.resilience.circuit import Circuit, CircuitBreakerPriceModel
from housing_price_orchestrator.provider.resilience.circuit_watch import CircuitWatch
from housing_price_orchestrator.provider.resilience.coalescing import CoalescingPriceModel
from housing_price_orchestrator.provider.resilience.deadline import DeadlinePriceModel
from housing_price_orchestrator.provider.resilience.fallback import FallbackPriceModel
from housing_price_orchestrator.provider.resilience.one_model import OneModelPriceModel
from housing_price_orchestrator.provider.resilience.price_memory import PriceMemory
from housing_price_orchestrator.provider.resilience.retry import RetryBudget, RetryPriceModel
from housing_price_orchestrator.service.pricing import Pricing
from housing_price_orchestrator.service.readiness import Readiness
from housing_price_orchestrator.settings import Settings
from housing_price_orchestrator.shared.ports import PriceModel
from housing_price_orchestrator.shared.view.example import EXAMPLE_HOUSE

SLOW_SHARE_OF_DEADLINE = 0.9
"""With a short deadline a call is slow before its callers give up: else nothing would ever be seen to be slow."""


@dataclass(frozen=True, slots=True)
class Upstream:
    """What prices houses. Its parts tell how they are: plain properties, read by whoever wants to know."""

    pricing: Pricing
    readiness: Readiness
    coalesced: CoalescingPriceModel
    """Knows what waits and what is under way."""
    retrying: RetryPriceModel
    """Counts the retries."""
    circuits: tuple[Circuit, ...]
    """One for each address, in the order of the settings."""


async def open_upstream(settings: Settings, stack: contextlib.AsyncExitStack, telemetry: ComposedTelemetry) -> Upstream:
    """Open what is long-lived and have `stack` close it; `telemetry` watches it."""
    upstream, requests, probe = settings.model_server, settings.requests, settings.readiness
    slow_seconds = min(settings.circuit.slow_call_seconds, SLOW_SHARE_OF_DEADLINE * requests.deadline_seconds)
    breakers, probes = [], []
    for address in upstream.base_url:
        client = client_for(
            str(address),
            timeout_seconds=requests.deadline_seconds,
            connect_timeout_seconds=upstream.connect_timeout_seconds,
            # Two more than the calls, for what readiness and the circuit's watch ask.
            connections=upstream.max_calls * len(upstream.base_url) + 2,
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
        model = MLflowPriceModel(client, model_name=upstream.model_name)
        ours = MLflowPriceModel(client, model_name=upstream.model_name, new_call_id=lambda: READINESS_CALL_ID)
        breakers.append(CircuitBreakerPriceModel(model, circuit, slow_seconds=slow_seconds))
        probes.append(CircuitBreakerPriceModel(ours, circuit, slow_seconds=slow_seconds))
        watch = CircuitWatch(circuit, ours, EXAMPLE_HOUSE, slow_seconds=slow_seconds)
        _run(watch.keep_watching(), stack)
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
    readiness = Readiness(
        DeadlinePriceModel(BalancedPriceModel(probes), seconds=probe.probe_timeout_seconds),
        EXAMPLE_HOUSE,
        interval_seconds=probe.probe_interval_seconds,
        max_age_seconds=2 * (probe.probe_interval_seconds + probe.probe_timeout_seconds),
    )
    _run(readiness.keep_asking(), stack)
    remembering = _remembering(settings, readiness)
    priced, priced_patiently = (
        telemetry.around_prices(DeadlinePriceModel(remembering(model), seconds=requests.deadline_seconds))
        for model in (admission, patient)
    )
    return Upstream(
        pricing=Pricing(priced, patient_model=priced_patiently, deadline_seconds=requests.deadline_seconds),
        readiness=readiness,
        coalesced=coalesced,
        retrying=retrying,
        circuits=tuple(breaker.circuit for breaker in breakers),
    )


def _remembering(settings: Settings, readiness: Readiness) -> Callable[[PriceModel], PriceModel]:
    """Give what puts a memory around a model; the same memory around each, and none where it is off."""
    fallback = settings.fallback
    if fallback.cache_seconds is None and fallback.last_known_seconds is None:
        return lambda model: model
    # Where the cache answers all, only readiness sees that the model has been swapped.
    memory = PriceMemory(
        max_houses=fallback.max_houses,
        model_now=lambda: None if readiness.identity is None else readiness.identity.id,
    )
    return lambda model: FallbackPriceModel(
        model, memory, cache_seconds=fallback.cache_seconds, last_known_seconds=fallback.last_known_seconds
    )


def _run(work: Coroutine[None, None, None], stack: contextlib.AsyncExitStack) -> None:
    """Keep something running until the stack is closed."""
    stack.push_async_callback(_cancelled, asyncio.create_task(work))


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
