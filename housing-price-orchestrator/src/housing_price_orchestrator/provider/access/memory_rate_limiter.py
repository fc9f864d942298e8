"""Counts requests in this process's memory.

A sliding window counter, as the library `limits` has it, whose own storage in memory looks through all of its callers
at every request and grows with them. Here a request costs the same however many callers there are, and what is kept is
bounded.
"""

import math
import time
from collections.abc import Callable

from housing_price_orchestrator.shared.quota import Quota, Rate, wait_seconds

MAX_CALLERS = 65_536
"""So many callers are kept in mind: about 16 MB. Beyond it those go who have been quiet for longest."""

_DROPPED_AT_A_TIME = 4


class _Counts:
    __slots__ = ("current", "opened_at", "previous")

    def __init__(self, opened_at: float, previous: int) -> None:
        self.opened_at = opened_at
        self.previous = previous
        self.current = 0


class MemoryRateLimiter:
    """Grants each caller so many requests. A `RateLimiter`; each process counts for itself."""

    def __init__(
        self, rate: Rate, *, max_callers: int = MAX_CALLERS, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Grant `rate` to each caller; `clock` tells seconds."""
        self._rate = rate
        self._max_callers = max_callers
        self._clock = clock
        self._counts: dict[str, _Counts] = {}

    def __len__(self) -> int:
        """Count the callers that are kept in mind."""
        return len(self._counts)

    async def hit(self, who: str) -> Quota:
        """Count a request of `who`."""
        rate = self._rate
        now = self._clock()
        counts = self._counts.get(who)
        if counts is None or now - counts.opened_at >= rate.seconds:
            counts = self._open(who, counts, now)
        left = min(rate.seconds, counts.opened_at + rate.seconds - now)
        used = math.floor(counts.previous * left / rate.seconds) + counts.current
        if used < rate.requests:
            counts.current += 1
            return Quota(rate, True, rate.requests - used - 1, left)
        wait = wait_seconds(rate, counts.previous, counts.current, left)
        return Quota(rate, False, 0, wait)

    def _open(self, who: str, last: _Counts | None, now: float) -> _Counts:
        """Open a window for `who`, the first one now. They are kept in this order, so that the oldest come first."""
        counts = _Counts(now, 0)
        if last is not None:
            del self._counts[who]
            if now - last.opened_at < 2 * self._rate.seconds:
                counts = _Counts(last.opened_at + self._rate.seconds, last.current)
        for _ in range(_DROPPED_AT_A_TIME):
            oldest = next(iter(self._counts), None)
            if oldest is None:
                break
            is_over = now - self._counts[oldest].opened_at >= 2 * self._rate.seconds
            if not is_over and len(self._counts) < self._max_callers:
                break
            del self._counts[oldest]
        self._counts[who] = counts
        return counts
