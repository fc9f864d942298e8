"""All served models that are open, and what those that were closed have counted: what the metrics read."""

from collections import Counter, OrderedDict

from housing_price_orchestrator.observability.metrics import Metrics
from housing_price_orchestrator.service.resilience.circuit_breaker import CircuitState
from housing_price_orchestrator.upstream.served_version import ServedModel

MAX_CLOSED_ADDRESSES = 32
"""So many addresses that are in use no more are still told apart."""

EARLIER = "earlier"
"""What stands for the addresses before those."""


class ServedModels:
    """Adds up what they know, so that no count goes down when one is closed."""

    def __init__(self) -> None:
        """Begin with none."""
        self.open: list[ServedModel] = []
        """Those that are open."""
        self._retries = self._retries_refused = 0
        self._circuits_opened: OrderedDict[str, int] = OrderedDict()

    async def close(self, served: ServedModel) -> None:
        """Close one, and keep what it has counted."""
        self.open.remove(served)
        self._retries += served.retrying.retries
        self._retries_refused += served.retrying.retries_refused
        counts = self._circuits_opened
        for circuit in served.circuits:
            counts[circuit.address] = counts.pop(circuit.address, 0) + circuit.opened
        await served.aclose()
        while len(counts) > MAX_CLOSED_ADDRESSES:
            oldest = next(address for address in counts if address != EARLIER)
            counts[EARLIER] = counts.pop(EARLIER, 0) + counts.pop(oldest)

    async def close_all(self) -> None:
        """Close every one, whether or not somebody waits."""
        for served in tuple(self.open):
            await self.close(served)

    @property
    def calls(self) -> int:
        """How many calls are under way."""
        return sum(one.coalesced.calls for one in self.open)

    @property
    def waiting(self) -> int:
        """How many requests, or pieces of large ones, wait to be sent."""
        return sum(one.coalesced.waiting for one in self.open)

    @property
    def waiting_rows(self) -> int:
        """How many houses wait to be sent."""
        return sum(one.coalesced.waiting_rows for one in self.open)

    @property
    def retries(self) -> int:
        """How many further attempts were made, since the start."""
        return self._retries + sum(one.retrying.retries for one in self.open)

    @property
    def retries_refused(self) -> int:
        """How many further attempts the budgets did not allow, since the start."""
        return self._retries_refused + sum(one.retrying.retries_refused for one in self.open)

    @property
    def circuits_opened(self) -> dict[str, int]:
        """How often the circuit to each address was opened, since the start."""
        counts = Counter(self._circuits_opened)
        for served in self.open:
            for circuit in served.circuits:
                counts[circuit.address] += circuit.opened
        return dict(counts)

    @property
    def circuit_states(self) -> dict[tuple[str, str], int]:
        """How many circuits to each address are in each state; an address may be open in two parts for a while."""
        counts: Counter[tuple[str, str]] = Counter()
        for served in self.open:
            for circuit in served.circuits:
                for state in CircuitState:
                    counts[circuit.address, state] += circuit.state is state
        return dict(counts)

    def tell(self, metrics: Metrics) -> None:
        """Let `metrics` read all this."""
        metrics.calls_in_flight.read_from(lambda: [((), self.calls)])
        metrics.waiting_requests.read_from(lambda: [((), self.waiting)])
        metrics.waiting_rows.read_from(lambda: [((), self.waiting_rows)])
        metrics.call_retries.read_from(lambda: [((), self.retries)])
        metrics.call_retries_refused.read_from(lambda: [((), self.retries_refused)])
        metrics.circuit_state.read_from(lambda: list(self.circuit_states.items()))
        metrics.circuit_opened.read_from(lambda: [((one,), count) for one, count in self.circuits_opened.items()])
