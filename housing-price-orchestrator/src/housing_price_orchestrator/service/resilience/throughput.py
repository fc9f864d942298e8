"""Throughput of a model server, measured on its calls."""

import math
import time
from collections.abc import Callable
from typing import Final

DECAY_SECONDS: Final = 1.0
"""Time constant of the moving average: a measurement of this age weighs 1/e of a new one."""

MIN_MEASURED_SECONDS: Final = 0.05
"""Minimum measured time for a rate; shorter periods are noise."""

MAX_AGE_SECONDS: Final = 3.0
"""Older measurements are discarded, so that a past slow period refuses no new requests."""


class Throughput:
    """Rows answered per second while there is a backlog, for one lane.

    Computed as summed rows over summed time. Averaging the rates of single calls would overestimate, because calls of
    different sizes wait for each other.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Start without measurements."""
        self._clock = clock
        self._rows_per_second_of_a_call: float | None = None
        self._rows = 0.0
        self._seconds = 0.0
        self._call_seconds = 0.0
        self._last_call_hung = False
        self._measured_at = -math.inf
        self._waiting_since: float | None = None

    @property
    def rows_per_second(self) -> float | None:
        """Rate of all calls together during a backlog; None without a recent backlog."""
        if self._seconds < MIN_MEASURED_SECONDS or not self._is_fresh():
            return None
        return self._rows / self._seconds

    @property
    def call_seconds(self) -> float:
        """Duration of a call during a backlog; 0 without a recent backlog."""
        return self._call_seconds if self._is_fresh() else 0.0

    def max_rows_within(self, seconds: float) -> float:
        """Return the call size that recent calls predict to take `seconds`; infinite before the first call.

        Larger calls are more efficient, so the prediction is low and calls grow to the right size step by step.
        """
        rows = self._rows_per_second_of_a_call
        return math.inf if rows is None else rows * seconds

    def set_backlog(self, *, is_waiting: bool) -> None:
        """Record whether requests wait now. Only then does the model server limit the rate."""
        if not is_waiting:
            self._waiting_since = None
        elif self._waiting_since is None:
            self._waiting_since = self._clock()

    def record_call(self, rows: int, seconds: float, *, is_answered: bool) -> None:
        """Record a call that was answered, or abandoned after `seconds`."""
        rate = rows / max(seconds, 1e-6)
        before = self._rows_per_second_of_a_call
        # A weight of one half lets call sizes grow and shrink quickly.
        self._rows_per_second_of_a_call = rate if before is None else (before + rate) / 2
        if is_answered and self._last_call_hung:
            # The server answers again: forget the duration of the hung call.
            self._call_seconds = seconds
        self._last_call_hung = not is_answered
        if self._waiting_since is None:
            return
        now = self._clock()
        if not self._is_fresh():
            self._rows = self._seconds = 0.0
            self._call_seconds = seconds
        passed = now - self._waiting_since
        weight = math.exp(-passed / DECAY_SECONDS)
        self._rows = self._rows * weight + (rows if is_answered else 0)
        self._seconds = self._seconds * weight + passed
        self._call_seconds = (self._call_seconds + seconds) / 2
        self._waiting_since = self._measured_at = now

    def record_failure(self) -> None:
        """Record a failed call: excludes its time, which says nothing about speed."""
        if self._waiting_since is not None:
            self._waiting_since = self._clock()

    def _is_fresh(self) -> bool:
        return self._clock() - self._measured_at <= MAX_AGE_SECONDS
