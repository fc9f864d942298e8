"""Every open served model, with counters that keep the totals of closed ones."""

from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable
from typing import Any, Final

from housing_price_orchestrator.observability.instruments import Labels
from housing_price_orchestrator.observability.metrics import Metrics
from housing_price_orchestrator.service.resilience.circuit_breaker import CircuitState
from housing_price_orchestrator.shared.ports import ModelKind
from housing_price_orchestrator.upstream.served_model import ServedModel

type AnyServedModel = ServedModel[Any, Any]
"""A served model, whatever its questions and answers."""

MAX_CLOSED_ADDRESSES: Final = 32
"""Closed addresses with a counter of their own; older ones are summed under `EARLIER`."""

EARLIER: Final = "earlier"
"""Label for the oldest closed addresses."""


class ServedModels:
    """Sums the counters of all served models by kind. Totals never decrease when one closes."""

    def __init__(self) -> None:
        """Start without any."""
        self.open: list[AnyServedModel] = []
        """Those that are open."""
        self._retries: Counter[ModelKind] = Counter()
        self._retries_refused: Counter[ModelKind] = Counter()
        self._circuits_opened: OrderedDict[tuple[str, ModelKind], int] = OrderedDict()

    async def close(self, served: AnyServedModel) -> None:
        """Close a served model and add its counters to the totals."""
        self.open.remove(served)
        self._retries[served.kind] += served.retrying.retries
        self._retries_refused[served.kind] += served.retrying.retries_refused
        counts = self._circuits_opened
        for circuit in served.circuits:
            key = (circuit.address, served.kind)
            counts[key] = counts.pop(key, 0) + circuit.opened
        await served.aclose()
        while len(counts) > MAX_CLOSED_ADDRESSES:
            oldest = next(key for key in counts if key[0] != EARLIER)
            earlier = (EARLIER, oldest[1])
            counts[earlier] = counts.pop(earlier, 0) + counts.pop(oldest)

    async def close_all(self) -> None:
        """Close every served model, including those with requests in flight."""
        for served in tuple(self.open):
            await self.close(served)

    @property
    def retries(self) -> dict[ModelKind, int]:
        """Retries since the start."""
        return self._sum(lambda served: served.retrying.retries, self._retries)

    @property
    def retries_refused(self) -> dict[ModelKind, int]:
        """Retries refused by the budgets since the start."""
        return self._sum(lambda served: served.retrying.retries_refused, self._retries_refused)

    @property
    def circuits_opened(self) -> dict[tuple[str, ModelKind], int]:
        """Times that the circuit of each address opened since the start."""
        counts = Counter(self._circuits_opened)
        for served in self.open:
            for circuit in served.circuits:
                counts[circuit.address, served.kind] += circuit.opened
        return dict(counts)

    @property
    def circuit_states(self) -> dict[tuple[str, str, ModelKind], int]:
        """Number of circuits per address and state. During a swap one address can have several circuits."""
        counts: Counter[tuple[str, str, ModelKind]] = Counter()
        for served in self.open:
            for circuit in served.circuits:
                for state in CircuitState:
                    counts[circuit.address, state, served.kind] += circuit.state is state
        return dict(counts)

    def register_metrics(self, metrics: Metrics) -> None:
        """Have `metrics` read these values at each scrape."""
        metrics.calls_in_flight.read_from(lambda: _labelled(self._sum(lambda served: served.coalescing.calls)))
        metrics.waiting_requests.read_from(lambda: _labelled(self._sum(lambda served: served.coalescing.waiting)))
        metrics.waiting_rows.read_from(lambda: _labelled(self._sum(lambda served: served.coalescing.waiting_rows)))
        metrics.call_retries.read_from(lambda: _labelled(self.retries))
        metrics.call_retries_refused.read_from(lambda: _labelled(self.retries_refused))
        metrics.circuit_state.read_from(lambda: list(self.circuit_states.items()))
        metrics.circuit_opened.read_from(lambda: list(self.circuits_opened.items()))

    def _sum(
        self, count: Callable[[AnyServedModel], int], closed: Counter[ModelKind] | None = None
    ) -> dict[ModelKind, int]:
        """Sum a count by kind, over the closed served models and the open ones."""
        counts = Counter(closed)
        for served in self.open:
            counts[served.kind] += count(served)
        return dict(counts)


def _labelled(counts: dict[ModelKind, int]) -> Iterable[tuple[Labels, float]]:
    return [((kind,), count) for kind, count in counts.items()]
