"""Finds out that a canary does worse than the champion, from what both do at the same time."""

import statistics
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

from housing_price_orchestrator.service.routing.price_deviation import deviation
from housing_price_orchestrator.shared.view.routes import CanaryLimits

type Failing = Literal["errors", "latency", "deviation"]

FAILINGS: tuple[Failing, ...] = get_args(Failing.__value__)

LEAST_SLOWER_SECONDS = 0.005
"""A median that is longer by less than that stops nothing, whatever the ratio: of a quick model it is chance."""

LEAST_CHAMPION_REQUESTS = 10
"""What the champion takes is not judged by fewer of its requests."""

MOST_CHAMPION_REQUESTS = 2_000
"""So many of its latest requests are remembered: a median of more would be no other."""

SECONDS_BETWEEN_LOOKS = 0.25
"""How often the latencies are compared."""


@dataclass(frozen=True, slots=True)
class CanaryTrouble:
    """Which limit a canary has passed."""

    failing: Failing
    value: float
    limit: float

    def __str__(self) -> str:
        """Say it in a sentence."""
        said = {
            "errors": "the share of its requests that failed",
            "latency": "the ratio of its median latency to the champion's",
            "deviation": "the median deviation of its prices from the champion's",
        }
        return f"{said[self.failing]} was {self.value:.3g}, and may be {self.limit:.3g}"


class CanaryWatch:
    """Judges the latest `least_requests` of a canary's requests, so that what was good for long hides nothing.

    Where there were fewer yet, it judges as soon as the rest could not change it: when too many have failed, or more
    than half are too slow or too far off. Says once, to `stop`, that a limit is passed; then it is silent.
    """

    def __init__(
        self,
        limits: CanaryLimits,
        stop: Callable[[CanaryTrouble], None],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Judge by `limits`."""
        self._limits = limits
        self._stop = stop
        self._clock = clock
        self._is_over = False
        # Of each request when it ended, how long it took, and whether it failed.
        self._canary: deque[tuple[float, float, bool]] = deque(maxlen=limits.least_requests)
        self._champion: deque[tuple[float, float]] = deque(maxlen=MOST_CHAMPION_REQUESTS)
        self._deviations: deque[float] = deque(maxlen=limits.least_requests)
        self._look_at = 0.0

    @property
    def median_deviation(self) -> float | None:
        """The median of |log(its price / the champion's)| over the latest comparisons; None before the first."""
        return statistics.median(self._deviations) if self._deviations else None

    def champion_answered(self, seconds: float) -> None:
        """Note how long a request took the champion."""
        self._champion.append((self._clock(), seconds))

    def canary_answered(self, seconds: float) -> None:
        """Note how long a request took the canary."""
        now = self._clock()
        self._canary.append((now, seconds, False))
        if now >= self._look_at and self._are_most(len(self._canary)):
            self._look_at = now + SECONDS_BETWEEN_LOOKS
            self._judge_latency()

    def canary_failed(self, seconds: float) -> None:
        """Note a request that the canary did not answer."""
        self._canary.append((self._clock(), seconds, True))
        failed = sum(is_failed for _, _, is_failed in self._canary)
        ratio = failed / self._limits.least_requests
        if ratio > self._limits.max_error_ratio:
            self._is_too_much(CanaryTrouble("errors", ratio, self._limits.max_error_ratio))

    def compared(self, canary_usd: float, champion_usd: float) -> None:
        """Note what both say that the same house is worth."""
        self._deviations.append(deviation(canary_usd, champion_usd))
        limit = self._limits.max_median_deviation
        if self._are_most(sum(one > limit for one in self._deviations)):
            self._is_too_much(CanaryTrouble("deviation", statistics.median(self._deviations), limit))

    def _judge_latency(self) -> None:
        since = self._canary[0][0]
        champion = [seconds for at, seconds in self._champion if at >= since]
        if len(champion) < LEAST_CHAMPION_REQUESTS:
            return
        theirs, limit = statistics.median(champion), self._limits.max_latency_ratio
        canary = [seconds for _, seconds, is_failed in self._canary if not is_failed]
        too_slow = max(limit * theirs, theirs + LEAST_SLOWER_SECONDS)
        if self._are_most(sum(seconds > too_slow for seconds in canary)):
            self._is_too_much(CanaryTrouble("latency", statistics.median(canary) / theirs, limit))

    def _are_most(self, number: int) -> bool:
        """Tell whether these are more than half of the requests that are judged."""
        return 2 * number > self._limits.least_requests

    def _is_too_much(self, trouble: CanaryTrouble) -> None:
        if not self._is_over:
            self._is_over = True
            self._stop(trouble)
