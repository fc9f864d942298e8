"""Records of the requests of a load, and queries over them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from benchmarks.clients.checker import quantiles_ms
from benchmarks.clients.timeline import DISCONNECTED, NO_ANSWER, REFUSED
from benchmarks.clients.verdicts import MIXED, PRICE_ALONE, RIGHT, WRONG
from benchmarks.clients.wire import OK

UNAVAILABLE: Final = 503
_STATUS_NAMES: Final = {REFUSED: "refused", DISCONNECTED: "disconnected", NO_ANSWER: "no answer"}


@dataclass(frozen=True, slots=True)
class RequestRecord:
    """The record of one request. Times are `time.monotonic()` seconds."""

    due: float
    """When the request was scheduled."""
    sent: float | None
    """When it was sent; None if no connection could be opened."""
    ended: float | None
    """When its answer was complete or its connection closed; None if neither happened."""
    status: int
    """The status, or REFUSED, DISCONNECTED or NO_ANSWER."""
    retry_after: int | None
    """The seconds of `Retry-After`."""
    problem: str | None
    """The name of the problem type of an error."""
    verdict: str | None
    """For a price: right, wrong, or mixed from two models."""
    model: str | None
    """The id of the model that computed the price."""

    @property
    def seconds(self) -> float:
        """Latency from the scheduled time; infinite without an answer."""
        return float("inf") if self.ended is None else self.ended - self.due

    def __str__(self) -> str:
        """Describe how the request ended."""
        status = _STATUS_NAMES.get(self.status, self.status)
        return f"{status} {self.problem or self.verdict or ''} in {self.seconds:.3f} s"


class Timeline(Sequence[RequestRecord]):
    """Request records in scheduled order."""

    def __init__(self, requests: Sequence[RequestRecord]) -> None:
        self._requests = requests

    def __len__(self) -> int:
        return len(self._requests)

    def __getitem__(self, index: Any) -> Any:
        return self._requests[index]

    def __iter__(self) -> Iterator[RequestRecord]:
        return iter(self._requests)

    def where(self, is_wanted: Callable[[RequestRecord], bool]) -> "Timeline":
        """Return the records that match a predicate."""
        return Timeline([request for request in self._requests if is_wanted(request)])

    def due_between(self, begin: float, end: float = float("inf")) -> "Timeline":
        """Return the requests scheduled from `begin` until before `end`."""
        return self.where(lambda request: begin <= request.due < end)

    @property
    def priced(self) -> "Timeline":
        """Requests answered with a price."""
        return self.where(lambda request: request.status == OK)

    @property
    def failed(self) -> "Timeline":
        """Requests without a price."""
        return self.where(lambda request: request.status != OK)

    def other_than(self, *statuses: int) -> "Timeline":
        """Return the requests with none of these statuses."""
        return self.where(lambda request: request.status not in statuses)

    @property
    def without_retry_after(self) -> "Timeline":
        """Requests answered with 503 but without `Retry-After`."""
        return self.where(lambda request: request.status == UNAVAILABLE and request.retry_after is None)

    @property
    def wrong(self) -> "Timeline":
        """Requests answered with a wrong price."""
        return self.where(lambda request: request.verdict in (WRONG, MIXED))

    @property
    def complete(self) -> "Timeline":
        """Requests answered with all parts, all of them right."""
        return self.where(lambda request: request.verdict == RIGHT)

    @property
    def price_alone(self) -> "Timeline":
        """Valuations answered with the right price alone."""
        return self.where(lambda request: request.verdict == PRICE_ALONE)

    @property
    def unanswered(self) -> "Timeline":
        """Requests that were sent but got no complete answer."""
        return self.where(lambda request: request.status in (DISCONNECTED, NO_ANSWER))

    def quantile_ms(self, share: float) -> float | None:
        """Return a latency quantile by nearest rank; None without requests."""
        ordered = sorted(request.seconds for request in self._requests)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1000 if ordered else None

    @property
    def p99_ms(self) -> float | None:
        """The 99th percentile of the latencies."""
        return self.quantile_ms(0.99)

    @property
    def max_ms(self) -> float | None:
        """The longest latency."""
        return self.quantile_ms(1.0)

    @property
    def statuses(self) -> dict[str, int]:
        """Number of requests by status and problem."""
        counted: dict[str, int] = {}
        for request in self._requests:
            name = str(_STATUS_NAMES.get(request.status, request.status)) + (
                f" {request.problem}" if request.problem else ""
            )
            counted[name] = counted.get(name, 0) + 1
        return dict(sorted(counted.items()))

    @property
    def summary(self) -> dict[str, Any]:
        """Figures for the results file."""
        late = quantiles_ms([request.sent - request.due for request in self._requests if request.sent is not None])
        times = quantiles_ms([request.seconds for request in self._requests if request.ended is not None])
        return {"requests": len(self), **times, "sent_late_p99_ms": late.get("p99_ms"), "statuses": self.statuses}
