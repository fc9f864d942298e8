"""Rate limits counted in the memory of this process.

A sliding window counter with the algorithm of the library `limits`. The library's own memory storage scans all
callers on every request and grows with them; here the cost per request is constant and memory is bounded.
"""

import math
import time
from collections.abc import Callable
from typing import Final

from housing_price_orchestrator.shared.quota import Quota, Rate, wait_seconds

MAX_CALLERS: Final = 65_536
"""Callers counted at a time, about 16 MB. Beyond that, the callers that were quiet for longest are forgotten."""

_MAX_DROPPED_PER_WINDOW: Final = 4


class _Counts:
    __slots__ = ("current", "previous", "started_at")

    def __init__(self, started_at: float, previous: int) -> None:
        self.started_at = started_at
        self.previous = previous
        self.current = 0


class MemoryRateLimiter:
    """Limits the request rate of each caller. A `RateLimiter`; each process counts separately."""

    def __init__(
        self, rate: Rate, *, max_callers: int = MAX_CALLERS, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Allow each caller `rate`; `clock` returns seconds."""
        self._rate = rate
        self._max_callers = max_callers
        self._clock = clock
        self._counts: dict[str, _Counts] = {}

    def __len__(self) -> int:
        """Return the number of callers being counted."""
        return len(self._counts)

    async def hit(self, caller_id: str) -> Quota:
        """Count a request of a caller."""
        rate = self._rate
        now = self._clock()
        counts = self._counts.get(caller_id)
        if counts is None or now - counts.started_at >= rate.seconds:
            counts = self._start_window(caller_id, counts, now)
        remaining_seconds = min(rate.seconds, counts.started_at + rate.seconds - now)
        used = math.floor(counts.previous * remaining_seconds / rate.seconds) + counts.current
        if used < rate.requests:
            counts.current += 1
            return Quota(rate, True, rate.requests - used - 1, remaining_seconds)
        wait = wait_seconds(rate, counts.previous, counts.current, remaining_seconds)
        return Quota(rate, False, 0, wait)

    def _start_window(self, caller_id: str, previous: _Counts | None, now: float) -> _Counts:
        """Start a new window for a caller. Windows are kept in order of their start, oldest first."""
        counts = _Counts(now, 0)
        if previous is not None:
            del self._counts[caller_id]
            if now - previous.started_at < 2 * self._rate.seconds:
                counts = _Counts(previous.started_at + self._rate.seconds, previous.current)
        for _ in range(_MAX_DROPPED_PER_WINDOW):
            oldest = next(iter(self._counts), None)
            if oldest is None:
                break
            is_over = now - self._counts[oldest].started_at >= 2 * self._rate.seconds
            if not is_over and len(self._counts) < self._max_callers:
                break
            del self._counts[oldest]
        self._counts[caller_id] = counts
        return counts
