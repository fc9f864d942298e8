"""A load in a process of its own, and what became of each of its requests."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from benchmarks import houses
from benchmarks.clients.checking import quantiles_ms
from benchmarks.clients.judging import MIXED, WRONG
from benchmarks.clients.timeline import BROKEN_OFF, REFUSED, SILENT
from benchmarks.clients.wire import OK
from benchmarks.paths import REPOSITORY, STATE
from benchmarks.processes import environment
from housing_price.process import LEASH, LEASH_SECONDS

START_SECONDS: Final = 60.0
DRAIN_SECONDS: Final = 15.0
UNAVAILABLE: Final = 503
_WORDS: Final = {REFUSED: "refused", BROKEN_OFF: "broken off", SILENT: "no answer"}


@dataclass(frozen=True, slots=True)
class Asked:
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


class Timeline(Sequence[Asked]):
    """Requests in the order in which they were due."""

    def __init__(self, asked: Sequence[Asked]) -> None:
        self._asked = asked

    def __len__(self) -> int:
        return len(self._asked)

    def __getitem__(self, index: Any) -> Any:
        return self._asked[index]

    def __iter__(self) -> Iterator[Asked]:
        return iter(self._asked)

    def where(self, is_wanted: Callable[[Asked], bool]) -> "Timeline":
        """Keep some."""
        return Timeline([one for one in self._asked if is_wanted(one)])

    def due(self, begin: float, end: float = float("inf")) -> "Timeline":
        """Keep those that were due in a span of time."""
        return self.where(lambda one: begin <= one.due < end)

    @property
    def priced(self) -> "Timeline":
        """Those that got a price."""
        return self.where(lambda one: one.status == OK)

    @property
    def failed(self) -> "Timeline":
        """Those that got none."""
        return self.where(lambda one: one.status != OK)

    def unlike(self, *statuses: int) -> "Timeline":
        """Those that ended in another way."""
        return self.where(lambda one: one.status not in statuses)

    @property
    def hopeless(self) -> "Timeline":
        """Those that got a 503 that does not say when to try again."""
        return self.where(lambda one: one.status == UNAVAILABLE and one.retry_after is None)

    @property
    def wrong(self) -> "Timeline":
        """Those that got a price that is not right."""
        return self.where(lambda one: one.verdict in (WRONG, MIXED))

    @property
    def unanswered(self) -> "Timeline":
        """Those that were sent and got no answer, or half of one."""
        return self.where(lambda one: one.status in (BROKEN_OFF, SILENT))

    def quantile_ms(self, share: float) -> float | None:
        """The nearest rank of the times; None where there are none."""
        ordered = sorted(one.seconds for one in self._asked)
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
        for one in self._asked:
            name = str(_WORDS.get(one.status, one.status)) + (f" {one.problem}" if one.problem else "")
            counted[name] = counted.get(name, 0) + 1
        return dict(sorted(counted.items()))

    @property
    def summary(self) -> dict[str, Any]:
        """Figures to keep."""
        late = quantiles_ms([one.sent - one.due for one in self._asked if one.sent is not None])
        times = quantiles_ms([one.seconds for one in self._asked if one.ended is not None])
        return {"requests": len(self), **times, "sent_late_p99_ms": late.get("p99_ms"), "statuses": self.statuses}


class Load:
    """Requests at a rate, from a process of its own, which ends with the block."""

    def __init__(
        self,
        port: int,
        expected: Mapping[str, Path],
        *,
        rate: float,
        seconds: float,
        rows: int = 1,
        name: str = "load",
        headers: Sequence[str] = (),
    ) -> None:
        """Ask at a port for single houses, or for batches; `expected` has the file of right prices of each model."""
        dialect = houses.PUBLIC
        self._seconds = seconds
        self._record = STATE / "timelines" / f"{name}.json"
        self._record.parent.mkdir(parents=True, exist_ok=True)
        self._process = subprocess.Popen(  # noqa: S603 - this package's own client
            [
                *(sys.executable, "-I", "-S", str(LEASH), "0"),
                *(sys.executable, "-m", "benchmarks.clients.timeline", "--write", str(self._record)),
                *("--port", str(port), "--path", dialect.path(rows), "--rows", str(rows)),
                *("--bodies", str(houses.bodies(dialect, rows)), "--rate", str(rate), "--seconds", str(seconds)),
                *("--drain-seconds", str(DRAIN_SECONDS)),
                *(part for model, path in expected.items() for part in ("--expected", f"{model}={path}")),
                *(part for header in headers for part in ("--header", header)),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=REPOSITORY,
            env=environment(),
        )
        assert self._process.stdout is not None  # noqa: S101 - it was asked for above
        assert self._process.stdin is not None  # noqa: S101 - the same
        self._stdout, self._stdin = self._process.stdout, self._process.stdin

    def __enter__(self) -> Self:
        """Wait until the schedule begins."""
        line = self._stdout.readline()
        if not line:
            self._process.wait(START_SECONDS)
            raise RuntimeError("the load did not start")
        self.started = float(line)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End it where it goes on."""
        self._stdin.close()
        self._process.wait(LEASH_SECONDS)
        self._stdout.close()

    def finish(self) -> Timeline:
        """Wait for its end; gives what became of the requests."""
        status = self._process.wait(self._seconds + DRAIN_SECONDS + START_SECONDS)
        if status:
            raise RuntimeError(f"the load ended with {status}")
        return Timeline([Asked(*row) for row in json.loads(self._record.read_bytes())["rows"]])
