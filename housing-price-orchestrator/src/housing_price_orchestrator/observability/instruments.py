"""Counters, gauges and histograms that are cheap to write, and read only when somebody looks.

prometheus-client's own cost 0.4 to 0.9 us for each write, and 1.1 to 2.1 us where several processes share them, and a
request needs about ten. These are plain numbers: each belongs to one thread, so none needs a lock, and what the
numbers of several processes add up to is worked out by whoever is asked for it (`exposition`).
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from typing import Literal

type Labels = tuple[str, ...]
"""The values of an instrument's labels, in the order in which it names them."""

type Reading = tuple[Labels, list[float]]
"""One series: a single number, or a histogram's count in each bucket (the last without an upper bound) and its sum."""


class Instrument:
    """A name with its meaning; subclasses hold the numbers."""

    kind: Literal["counter", "gauge", "histogram"]

    def __init__(
        self, name: str, meaning: str, *, unit: str, labels: Labels = (), across: Callable[[list[float]], float] = sum
    ) -> None:
        """Name what is measured, what one of it is, and what tells its series apart.

        `across` makes one number of those of several processes.
        """
        self.across = across
        self.name = name
        self.meaning = meaning
        self.unit = unit
        self.labels = labels

    def readings(self) -> list[Reading]:
        """Read every series."""
        raise NotImplementedError


class Number:
    """One series of a counter or gauge. Only one thread may write it."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0.0

    def inc(self, by: float = 1) -> None:
        """Add to it."""
        self.value += by

    def dec(self, by: float = 1) -> None:
        """Take from it; for gauges only."""
        self.value -= by


class _Numbers(Instrument):
    def __init__(
        self, name: str, meaning: str, *, unit: str, labels: Labels = (), across: Callable[[list[float]], float] = sum
    ) -> None:
        super().__init__(name, meaning, unit=unit, labels=labels, across=across)
        self._series: dict[Labels, Number] = {}
        self._reads: Callable[[], Iterable[tuple[Labels, float]]] | None = None
        if not labels:
            self.labelled()

    def labelled(self, *values: str) -> Number:
        """Give the series with these labels, which begins with 0; keep it where it is written often."""
        if len(values) != len(self.labels):
            raise ValueError(f"{self.name} has the labels {self.labels}, not {values}")
        return self._series.setdefault(values, Number())

    def inc(self, by: float = 1) -> None:
        """Add to the one series of an instrument without labels."""
        self._series[()].value += by

    def dec(self, by: float = 1) -> None:
        """Take from the one series of a gauge without labels."""
        self._series[()].value -= by

    def read_from(self, read: Callable[[], Iterable[tuple[Labels, float]]]) -> None:
        """Ask `read` for the series and their values, whenever they are wanted, instead of keeping them here."""
        self._reads = read

    def readings(self) -> list[Reading]:
        """Read every series."""
        if self._reads is not None:
            return [(labels, [float(value)]) for labels, value in self._reads()]
        return [(labels, [number.value]) for labels, number in self._series.items()]


class Counter(_Numbers):
    """How often something has happened since the start; it never goes down, also when a worker process ends."""

    kind = "counter"


class Gauge(_Numbers):
    """How much of something there is now: of all living worker processes, put together by `across`."""

    kind = "gauge"


class Distribution:
    """One series of a histogram. Only one thread may write it."""

    __slots__ = ("bounds", "counts", "sum")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def observe(self, value: float) -> None:
        """Count a value into its bucket, whose upper bound belongs to it."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.sum += value


class Histogram(Instrument):
    """How values are distributed since the start, in buckets."""

    kind = "histogram"

    def __init__(self, name: str, meaning: str, *, unit: str, bounds: Sequence[float], labels: Labels = ()) -> None:
        """`bounds` are the upper bounds of the buckets, in order; one without a bound follows them."""
        super().__init__(name, meaning, unit=unit, labels=labels)
        self.bounds = tuple(bounds)
        self._series: dict[Labels, Distribution] = {}
        if not labels:
            self.labelled()

    def labelled(self, *values: str) -> Distribution:
        """Give the series with these labels, which begins empty; keep it where it is written often."""
        if len(values) != len(self.labels):
            raise ValueError(f"{self.name} has the labels {self.labels}, not {values}")
        return self._series.setdefault(values, Distribution(self.bounds))

    def observe(self, value: float) -> None:
        """Count a value into the one series of a histogram without labels."""
        self._series[()].observe(value)

    def readings(self) -> list[Reading]:
        """Read every series."""
        return [(labels, [*one.counts, one.sum]) for labels, one in self._series.items()]
