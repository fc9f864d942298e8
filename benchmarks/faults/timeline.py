"""What became of each request of a load."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from benchmarks.clients.checker import quantiles_ms
from benchmarks.clients.timeline import DISCONNECTED, NO_ANSWER, REFUSED
from benchmarks.clients.verdicts import MIXED, WRONG
from benchmarks.clients.wire import OK

UNAVAILABLE: Final = 503
_WORDS: Final = {REFUSED: "refused", DISCONNECTED: "broken off", NO_ANSWER: "no answer"}


@dataclass(frozen=True, slots=True)
class RequestRecord:
    """One request.

    Attributes:
        due: When it should have been sent.
        sent: When it was; None where no connection could be had.
        ended: When its answer was there, or its connection was gone; None where nothing came.
        status: The status, or REFUSED, BROKEN_OFF or SILENT.
        retry_after: The seconds of `Retry-After`.
        problem: The name of the problem, for an error.
        verdict: Of a price: right, wrong, or mixed from two models.
        model: The id of the model that made the price.
    """

    due: float
    sent: float | None
    ended: float | None
    status: int
    retry_after: int | None
    problem: str | None
    verdict: str | None
    model: str | None

    @property
    def seconds(self) -> float:
        """How long it took, from when it was due; endless where it has no answer."""
        return float("inf") if self.ended is None else self.ended - self.due

    def __str__(self) -> str:
        """Tell how it ended."""
        return f"{_WORDS.get(self.status, self.status)} {self.problem or self.verdict or ''} in {self.seconds:.3f} s"


class Timeline(Sequence[RequestRecord]):
    """Requests in the order in which they were due."""

    def __init__(self, asked: Sequence[RequestRecord]) -> None:
        self._asked = asked

    def __len__(self) -> int:
        return len(self._asked)

    def __getitem__(self, index: Any) -> Any:
        return self._asked[index]

    def __iter__(self) -> Iterator[RequestRecord]:
        return iter(self._asked)

    def where(self, is_wanted: Callable[[RequestRecord], bool]) -> "Timeline":
        """Keep some."""
        return Timeline([request for request in self._asked if is_wanted(request)])

    def due(self, begin: float, end: float = float("inf")) -> "Timeline":
        """Keep those that were due in a span of time."""
        return self.where(lambda request: begin <= request.due < end)

    @property
    def priced(self) -> "Timeline":
        """Those that got a price."""
        return self.where(lambda request: request.status == OK)

    @property
    def failed(self) -> "Timeline":
        """Those that got none."""
        return self.where(lambda request: request.status != OK)

    def other_than(self, *statuses: int) -> "Timeline":
        """Those that ended in another way."""
        return self.where(lambda request: request.status not in statuses)

    @property
    def without_retry_after(self) -> "Timeline":
        """Those that got a 503 that does not say when to try again."""
        return self.where(lambda request: request.status == UNAVAILABLE and request.retry_after is None)

    @property
    def wrong(self) -> "Timeline":
        """Those that got a price that is not right."""
        return self.where(lambda request: request.verdict in (WRONG, MIXED))

    @property
    def unanswered(self) -> "Timeline":
        """Those that were sent and got no answer, or half of one."""
        return self.where(lambda request: request.status in (DISCONNECTED, NO_ANSWER))

    def quantile_ms(self, share: float) -> float | None:
        """The nearest rank of the times; None where there are none."""
        ordered = sorted(request.seconds for request in self._asked)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1000 if ordered else None

    @property
    def p99_ms(self) -> float | None:
        """The 99th percentile of the times."""
        return self.quantile_ms(0.99)

    @property
    def max_ms(self) -> float | None:
        """The longest time."""
        return self.quantile_ms(1.0)

    @property
    def statuses(self) -> dict[str, int]:
        """How many ended how."""
        counted: dict[str, int] = {}
        for request in self._asked:
            name = str(_WORDS.get(request.status, request.status)) + (f" {request.problem}" if request.problem else "")
            counted[name] = counted.get(name, 0) + 1
        return dict(sorted(counted.items()))

    @property
    def summary(self) -> dict[str, Any]:
        """Figures to keep."""
        late = quantiles_ms([request.sent - request.due for request in self._asked if request.sent is not None])
        times = quantiles_ms([request.seconds for request in self._asked if request.ended is not None])
        return {"requests": len(self), **times, "sent_late_p99_ms": late.get("p99_ms"), "statuses": self.statuses}
