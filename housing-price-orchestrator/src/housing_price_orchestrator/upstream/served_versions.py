"""Every open version, with counters that keep the totals of closed ones."""

from collections import Counter, OrderedDict
from typing import Final

from housing_price_orchestrator.observability.metrics import Metrics
from housing_price_orchestrator.service.resilience.circuit_breaker import CircuitState
from housing_price_orchestrator.upstream.served_version import ServedVersion

MAX_CLOSED_ADDRESSES: Final = 32
"""Closed addresses with a counter of their own; older ones are summed under `EARLIER`."""

EARLIER: Final = "earlier"
"""Label for the oldest closed addresses."""


class ServedVersions:
    """Sums the counters of all versions. Totals never decrease when a version closes."""

    def __init__(self) -> None:
        """Start without any version."""
        self.open: list[ServedVersion] = []
        """Versions that are open."""
        self._retries = self._retries_refused = 0
        self._circuits_opened: OrderedDict[str, int] = OrderedDict()

    async def close(self, version: ServedVersion) -> None:
        """Close a version and add its counters to the totals."""
        self.open.remove(version)
        self._retries += version.retrying.retries
        self._retries_refused += version.retrying.retries_refused
        counts = self._circuits_opened
        for circuit in version.circuits:
            counts[circuit.address] = counts.pop(circuit.address, 0) + circuit.opened
        await version.aclose()
        while len(counts) > MAX_CLOSED_ADDRESSES:
            oldest = next(address for address in counts if address != EARLIER)
            counts[EARLIER] = counts.pop(EARLIER, 0) + counts.pop(oldest)

    async def close_all(self) -> None:
        """Close every version, including those with requests in flight."""
        for version in tuple(self.open):
            await self.close(version)

    @property
    def calls(self) -> int:
        """Number of calls in flight."""
        return sum(version.coalesced.calls for version in self.open)

    @property
    def waiting(self) -> int:
        """Number of requests, or pieces of large ones, that wait to be sent."""
        return sum(version.coalesced.waiting for version in self.open)

    @property
    def waiting_rows(self) -> int:
        """Number of houses that wait to be sent."""
        return sum(version.coalesced.waiting_rows for version in self.open)

    @property
    def retries(self) -> int:
        """Retries since the start."""
        return self._retries + sum(version.retrying.retries for version in self.open)

    @property
    def retries_refused(self) -> int:
        """Retries refused by the budgets since the start."""
        return self._retries_refused + sum(version.retrying.retries_refused for version in self.open)

    @property
    def circuits_opened(self) -> dict[str, int]:
        """Times that the circuit of each address opened since the start."""
        counts = Counter(self._circuits_opened)
        for version in self.open:
            for circuit in version.circuits:
                counts[circuit.address] += circuit.opened
        return dict(counts)

    @property
    def circuit_states(self) -> dict[tuple[str, str], int]:
        """Number of circuits per address and state. During a swap one address can have several circuits."""
        counts: Counter[tuple[str, str]] = Counter()
        for version in self.open:
            for circuit in version.circuits:
                for state in CircuitState:
                    counts[circuit.address, state] += circuit.state is state
        return dict(counts)

    def register_metrics(self, metrics: Metrics) -> None:
        """Have `metrics` read these values at each scrape."""
        metrics.calls_in_flight.read_from(lambda: [((), self.calls)])
        metrics.waiting_requests.read_from(lambda: [((), self.waiting)])
        metrics.waiting_rows.read_from(lambda: [((), self.waiting_rows)])
        metrics.call_retries.read_from(lambda: [((), self.retries)])
        metrics.call_retries_refused.read_from(lambda: [((), self.retries_refused)])
        metrics.circuit_state.read_from(lambda: list(self.circuit_states.items()))
        metrics.circuit_opened.read_from(
            lambda: [((address,), count) for address, count in self.circuits_opened.items()]
        )
