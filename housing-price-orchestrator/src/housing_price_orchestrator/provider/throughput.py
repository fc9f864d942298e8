"""What a model server really does, measured on the calls it answers."""

import time
from collections.abc import Callable

WEIGHT = 0.3
"""Of the newest call, in averages that forget: after ten calls 3 % of what was before is left."""

FRESH_SECONDS = 3.0
"""What was measured longer ago counts no more: a slowness that has passed must not keep anybody out."""


class Throughput:
    """How many rows per second are priced, for one kind of requests."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin without any knowledge."""
        self._clock = clock
        self._rows_per_second_of_a_call: float | None = None
        self._rows_per_second = 0.0
        self._call_seconds = 0.0
        self._measured_at: float | None = None

    @property
    def rows_per_second(self) -> float | None:
        """What all calls together get done while requests wait; None where nothing had to wait of late."""
        return self._rows_per_second if self._is_fresh() else None

    @property
    def call_seconds(self) -> float:
        """How long a call takes while requests wait; 0 where nothing had to wait of late."""
        return self._call_seconds if self._is_fresh() else 0.0

    def rows_within(self, seconds: float) -> float:
        """How many rows a call may carry to be answered within so many seconds, going by the last ones.

        A larger call is more efficient, so this is less than could be: calls grow step by step to what they may carry.
        """
        rows = self._rows_per_second_of_a_call
        return float("inf") if rows is None else rows * seconds

    def note(self, rows: int, seconds: float, *, calls: int, left_others_waiting: bool) -> None:
        """Note a call that was answered, or given up after some time, while `calls` of its kind were under way.

        Only with others waiting was it the model server that was waited for; then Little's law gives its throughput:
        what is under way, divided by how long it takes.
        """
        rate = rows / max(seconds, 1e-6)
        before = self._rows_per_second_of_a_call
        # Half of it is new: calls may grow fast, and shrink as fast.
        self._rows_per_second_of_a_call = rate if before is None else (before + rate) / 2
        if not left_others_waiting:
            return
        weight = WEIGHT if self._is_fresh() else 1.0
        self._rows_per_second += weight * (rate * calls - self._rows_per_second)
        self._call_seconds += weight * (seconds - self._call_seconds)
        self._measured_at = self._clock()

    def _is_fresh(self) -> bool:
        return self._measured_at is not None and self._clock() - self._measured_at <= FRESH_SECONDS
