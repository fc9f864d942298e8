"""What a model server really does, measured on the calls it answers."""

import math
import time
from collections.abc import Callable

MEMORY_SECONDS = 1.0
"""What was measured so long ago weighs a third (1/e) of what is measured now."""

ENOUGH_SECONDS = 0.05
"""A shorter time shows chance and not what the model server does."""

FRESH_SECONDS = 3.0
"""What was measured longer ago counts no more: a slowness that has passed must not keep anybody out."""


class Throughput:
    """How many rows per second are priced while requests have to wait, for one kind of requests.

    Rows and times are added up and then divided: an average of the calls' own rates would be too high where calls of
    different sizes wait for each other.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin without any knowledge."""
        self._clock = clock
        self._rows_per_second_of_a_call: float | None = None
        self._rows = 0.0
        self._seconds = 0.0
        self._call_seconds = 0.0
        self._has_hung = False
        self._measured_at = -math.inf
        self._waiting_since: float | None = None

    @property
    def rows_per_second(self) -> float | None:
        """What all calls together get done while requests wait; None where nothing had to wait of late."""
        if self._seconds < ENOUGH_SECONDS or not self._is_fresh():
            return None
        rate = self._rows / self._seconds
        # All together do no less than one does alone. Where hardly anything ever waits, a moment in which everything
        # stood still would otherwise be all that is known, and keep out those whom the next call will carry.
        return rate if self._has_hung else max(rate, self._rows_per_second_of_a_call or 0.0)

    @property
    def call_seconds(self) -> float:
        """How long a call takes while requests wait; 0 where nothing had to wait of late."""
        return self._call_seconds if self._is_fresh() else 0.0

    def rows_within(self, seconds: float) -> float:
        """How many rows a call may carry to be answered within so many seconds, going by the last ones.

        A larger call is more efficient, so this is less than could be: calls grow step by step to what they may carry.
        """
        rows = self._rows_per_second_of_a_call
        return math.inf if rows is None else rows * seconds

    def others_wait(self, *, is_so: bool) -> None:
        """Note whether requests wait now: only then it is the model server that is waited for."""
        if not is_so:
            self._waiting_since = None
        elif self._waiting_since is None:
            self._waiting_since = self._clock()

    def note(self, rows: int, seconds: float, *, is_answered: bool) -> None:
        """Note a call that was answered, or given up after some time."""
        rate = rows / max(seconds, 1e-6)
        before = self._rows_per_second_of_a_call
        # Half of it is new: calls may grow fast, and shrink as fast.
        self._rows_per_second_of_a_call = rate if before is None else (before + rate) / 2
        if is_answered and self._has_hung:
            # A hang that is over must not count on.
            self._call_seconds = seconds
        self._has_hung = not is_answered
        if self._waiting_since is None:
            return
        now = self._clock()
        if not self._is_fresh():
            self._rows = self._seconds = 0.0
            self._call_seconds = seconds
        passed = now - self._waiting_since
        weight = math.exp(-passed / MEMORY_SECONDS)
        self._rows = self._rows * weight + (rows if is_answered else 0)
        self._seconds = self._seconds * weight + passed
        self._call_seconds = (self._call_seconds + seconds) / 2
        self._waiting_since = self._measured_at = now

    def is_interrupted(self) -> None:
        """Note that a call failed, which tells nothing about speed."""
        if self._waiting_since is not None:
            self._waiting_since = self._clock()

    def _is_fresh(self) -> bool:
        return self._clock() - self._measured_at <= FRESH_SECONDS
