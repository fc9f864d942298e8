"""Stops a canary that does worse than the champion over the same period."""

import statistics
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal, get_args

from housing_price_orchestrator.service.routing.price_deviation import deviation
from housing_price_platform.orders.moves import CanaryLimits

type CanaryLimit = Literal["errors", "latency", "deviation"]

CANARY_LIMITS: Final[tuple[CanaryLimit, ...]] = get_args(CanaryLimit.__value__)
"""Labels of the limits in the metric of stopped canaries."""

MIN_SLOWDOWN_SECONDS: Final = 0.005
"""A smaller difference of the medians never stops a canary: with a fast model it is noise, whatever the ratio."""

MIN_CHAMPION_REQUESTS: Final = 10
"""Minimum number of champion requests for a latency comparison."""

MAX_CHAMPION_REQUESTS: Final = 2_000
"""Latest champion requests that are kept; more would not change the median."""

LATENCY_CHECK_INTERVAL_SECONDS: Final = 0.25
"""Minimum time between latency comparisons."""


@dataclass(frozen=True, slots=True)
class ExceededLimit:
    """A limit that a canary exceeded."""

    name: CanaryLimit
    value: float
    limit: float

    def __str__(self) -> str:
        """Describe the limit and the value for people."""
        measure = {
            "errors": "the share of failed requests",
            "latency": "the ratio of median latency to the champion's",
            "deviation": "the median price deviation from the champion's",
        }
        return f"{measure[self.name]} was {self.value:.3g} (limit {self.limit:.3g})"


class CanaryWatch:
    """Compares the latest `least_requests` requests of a canary with its limits, and calls `stop` once.

    The fixed window keeps a long good period from hiding a bad one. With fewer requests so far, it decides as soon as
    the missing ones cannot change the result: too many have failed, or more than half are too slow or too far off.
    """

    def __init__(
        self,
        limits: CanaryLimits,
        stop: Callable[[ExceededLimit], None],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Watch a canary; `stop` is called with the first limit that it exceeds."""
        self._limits = limits
        self._stop = stop
        self._clock = clock
        self._has_reported = False
        # For each request: when it ended, its duration in seconds, and whether it failed.
        self._canary: deque[tuple[float, float, bool]] = deque(maxlen=limits.least_requests)
        self._champion: deque[tuple[float, float]] = deque(maxlen=MAX_CHAMPION_REQUESTS)
        self._deviations: deque[float] = deque(maxlen=limits.least_requests)
        self._next_check_at = 0.0

    @property
    def median_deviation(self) -> float | None:
        """Median of |log(canary price / champion price)| over the latest comparisons; None before the first."""
        return statistics.median(self._deviations) if self._deviations else None

    def record_champion_answer(self, seconds: float) -> None:
        """Record the duration of a request that the champion answered."""
        self._champion.append((self._clock(), seconds))

    def record_canary_answer(self, seconds: float) -> None:
        """Record the duration of a request that the canary answered; may stop the canary."""
        now = self._clock()
        self._canary.append((now, seconds, False))
        if now >= self._next_check_at and self._is_majority(len(self._canary)):
            self._next_check_at = now + LATENCY_CHECK_INTERVAL_SECONDS
            self._check_latency()

    def record_canary_failure(self, seconds: float) -> None:
        """Record a request that the canary failed; may stop the canary."""
        self._canary.append((self._clock(), seconds, True))
        failed = sum(is_failed for _, _, is_failed in self._canary)
        ratio = failed / self._limits.least_requests
        if ratio > self._limits.max_error_ratio:
            self._report(ExceededLimit("errors", ratio, self._limits.max_error_ratio))

    def record_comparison(self, canary_usd: float, champion_usd: float) -> None:
        """Record both prices of one house; may stop the canary."""
        self._deviations.append(deviation(canary_usd, champion_usd))
        limit = self._limits.max_median_deviation
        if self._is_majority(sum(one > limit for one in self._deviations)):
            self._report(ExceededLimit("deviation", statistics.median(self._deviations), limit))

    def _check_latency(self) -> None:
        since = self._canary[0][0]
        champion = [seconds for at, seconds in self._champion if at >= since]
        if len(champion) < MIN_CHAMPION_REQUESTS:
            return
        champion_median, limit = statistics.median(champion), self._limits.max_latency_ratio
        canary = [seconds for _, seconds, is_failed in self._canary if not is_failed]
        too_slow = max(limit * champion_median, champion_median + MIN_SLOWDOWN_SECONDS)
        if self._is_majority(sum(seconds > too_slow for seconds in canary)):
            self._report(ExceededLimit("latency", statistics.median(canary) / champion_median, limit))

    def _is_majority(self, number: int) -> bool:
        """Return whether `number` is more than half of the window."""
        return 2 * number > self._limits.least_requests

    def _report(self, exceeded: ExceededLimit) -> None:
        if not self._has_reported:
            self._has_reported = True
            self._stop(exceeded)
