"""The chain of wrappers around the servers of one model, opened and closed as a unit. Part of the composition root."""

import contextlib
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Final

from housing_price_orchestrator.composition.tasks import run_until_closed
from housing_price_orchestrator.composition.telemetry import ComposedTelemetry
from housing_price_orchestrator.provider.model_server.mlflow_client import MLflowClient, client_for
from housing_price_orchestrator.provider.model_server.mlflow_model import READINESS_CALL_ID, MLflowModel
from housing_price_orchestrator.service.resilience.admission import AdmissionModel
from housing_price_orchestrator.service.resilience.balancing import BalancedModel
from housing_price_orchestrator.service.resilience.circuit_breaker import Circuit, CircuitBreakerModel
from housing_price_orchestrator.service.resilience.circuit_watch import CircuitWatch
from housing_price_orchestrator.service.resilience.coalescing import CoalescingModel
from housing_price_orchestrator.service.resilience.deadline import DeadlineModel
from housing_price_orchestrator.service.resilience.one_version import OneVersionModel
from housing_price_orchestrator.service.resilience.retry import RetryBudget, RetryModel
from housing_price_orchestrator.settings import Settings
from housing_price_orchestrator.shared.ports import IdentifiedAnswer, Model, ModelKind, Variant

SLOW_SHARE_OF_DEADLINE: Final = 0.9
"""A call counts as slow after this share of the deadline at the latest, because callers cancel it at the deadline."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelDefinition[Question, Answer: IdentifiedAnswer]:
    """All that differs between the models that this service calls."""

    kind: ModelKind
    adapter: type[MLflowModel[Question, Answer]]
    """Adapts a client of a model server to the questions and answers of this model."""
    model_name: str
    """The name to report if a model server does not give one."""
    probe_question: Question
    """The question of health probes."""
    deadline_seconds: float
    """Longest deadline of a request; a call is slow before it."""
    max_calls: int
    """Maximum concurrent calls per model server."""
    max_rows_per_call: int
    group_of: Callable[[Question], Hashable] | None = None
    """Questions share a call only if this returns the same for them; None if all can share one."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ServedModel[Question, Answer: IdentifiedAnswer]:
    """The servers of one model behind their wrappers. Served models share no connection, queue, circuit or budget."""

    kind: ModelKind
    clients: Sequence[MLflowClient]
    """One client per model server."""
    admitted: Model[Question, Answer]
    """For API requests: admission control refuses what would miss its deadline."""
    unadmitted: Model[Question, Answer]
    """For callers that limit their own rate: no admission control."""
    probe: Model[Question, Answer]
    """For health probes: skips the queue and is never retried."""
    coalescing: CoalescingModel[Question, Answer]
    """The queue, and the calls in flight."""
    retrying: RetryModel[Question, Answer]
    """The retry counters."""
    circuits: Sequence[Circuit]
    """One circuit per address, in the order of the addresses."""
    _stack: contextlib.AsyncExitStack

    async def aclose(self) -> None:
        """Close the connections and stop the circuit watches. The model servers keep running."""
        await self._stack.aclose()


async def open_served_model[Question, Answer: IdentifiedAnswer](
    settings: Settings,
    telemetry: ComposedTelemetry,
    definition: ModelDefinition[Question, Answer],
    addresses: Sequence[str],
    variant: Variant = "champion",
) -> ServedModel[Question, Answer]:
    """Open the clients and wrappers for the model servers at `addresses`; no request is sent yet.

    Args:
        settings: limits and timeouts that all models share.
        telemetry: observes calls.
        definition: the model.
        addresses: URLs of model servers that serve the same version.
        variant: the role in which the version serves.
    """
    async with contextlib.AsyncExitStack() as stack:
        servers = []
        for address in addresses:
            # Two more than the calls, for the readiness probe and the circuit watch.
            connections = definition.max_calls * len(addresses) + 2
            client = _client_of(address, settings, telemetry, definition.deadline_seconds, connections)
            server = _server_of(await stack.enter_async_context(client), settings, definition, variant)
            run_until_closed(server.watch.run(), stack)
            servers.append(server)
        retrying = RetryModel(
            BalancedModel([server.model for server in servers]),
            budget=RetryBudget(ratio=settings.retry.budget_ratio, floor=settings.retry.budget_floor),
            max_attempts=settings.retry.max_attempts,
            backoff_seconds=settings.retry.backoff_seconds,
        )
        coalescing = CoalescingModel(
            telemetry.wrap_calls(retrying, definition.kind),
            max_rows=definition.max_rows_per_call,
            max_calls=definition.max_calls * len(servers),
            max_waiting_rows=settings.model_server.max_waiting_rows,
            call_seconds=settings.admission.call_seconds,
            group_of=definition.group_of,
        )
        unadmitted = OneVersionModel(coalescing)
        probe = BalancedModel([server.probe for server in servers])
        return ServedModel(
            kind=definition.kind,
            clients=tuple(server.client for server in servers),
            admitted=AdmissionModel(unadmitted, coalescing, share_of_deadline=settings.admission.share_of_deadline),
            unadmitted=unadmitted,
            probe=DeadlineModel(probe, seconds=settings.readiness.probe_timeout_seconds),
            coalescing=coalescing,
            retrying=retrying,
            circuits=tuple(server.model.circuit for server in servers),
            _stack=stack.pop_all(),
        )


@dataclass(frozen=True, slots=True)
class _Server[Question, Answer: IdentifiedAnswer]:
    """One model server; requests, probes and the watch share its connections and its circuit."""

    client: MLflowClient
    model: CircuitBreakerModel[Question, Answer]
    probe: CircuitBreakerModel[Question, Answer]
    watch: CircuitWatch[Question]


def _client_of(
    address: str, settings: Settings, telemetry: ComposedTelemetry, timeout_seconds: float, connections: int
) -> MLflowClient:
    return client_for(
        address,
        timeout_seconds=timeout_seconds,
        connect_timeout_seconds=settings.model_server.connect_timeout_seconds,
        connections=connections,
        tracer=telemetry.tracer,
    )


def _server_of[Question, Answer: IdentifiedAnswer](
    client: MLflowClient, settings: Settings, definition: ModelDefinition[Question, Answer], variant: Variant
) -> _Server[Question, Answer]:
    limits = settings.circuit
    circuit = Circuit(
        client.address,
        max_failures=limits.max_failures,
        max_slow_calls=limits.max_slow_calls,
        open_seconds=limits.open_seconds,
        max_open_seconds=limits.max_open_seconds,
    )
    slow_seconds = min(limits.slow_call_seconds, SLOW_SHARE_OF_DEADLINE * definition.deadline_seconds)
    name = definition.model_name
    model = definition.adapter(client, model_name=name, variant=variant)
    probe = definition.adapter(client, model_name=name, variant=variant, new_call_id=lambda: READINESS_CALL_ID)
    return _Server(
        client,
        CircuitBreakerModel(model, circuit, slow_seconds=slow_seconds),
        CircuitBreakerModel(probe, circuit, slow_seconds=slow_seconds),
        CircuitWatch(circuit, probe, definition.probe_question, slow_seconds=slow_seconds),
    )
