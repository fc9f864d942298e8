"""Asks again where a failure may pass by itself, and never so often that the asking becomes the failure.

stamina and tenacity retry one function; neither knows how many others are retrying, nor the deadline of a call's
callers, and both are what keeps retries from making an outage worse (Google SRE book, "Addressing Cascading Failures").
"""

import asyncio
import random
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence

from housing_price_orchestrator.shared.deadline import current_deadline
from housing_price_orchestrator.shared.errors import CircuitOpen, ModelServerUnavailable
from housing_price_orchestrator.shared.ports import PriceEstimate, PriceModel
from housing_price_orchestrator.shared.view.record import AnyHouse

WINDOW_SECONDS = 10
"""What counts for the budget: so an hour of quiet does not finance a storm (Finagle's budget looks as far back)."""


class RetryBudget:
    """Allows further attempts in proportion to first ones: the larger of `floor` and `ratio` of the last 10 s.

    Sustained over time there are at most `1 + ratio` attempts for each call, whatever fails. Envoy's retry budget is
    made the same way: 20 %, and at least 3.
    """

    def __init__(self, *, ratio: float, floor: int, clock: Callable[[], float] = time.monotonic) -> None:
        """Allow `ratio` further attempts for each call, and `floor` even where there were few calls."""
        self._ratio = ratio
        self._floor = floor
        self._clock = clock
        # One entry per second in which something happened: when, calls, retries.
        self._seconds: deque[list[int]] = deque()
        self._calls = 0
        self._retries = 0

    def count_call(self) -> None:
        """Note the first attempt of a call."""
        self._now()[1] += 1
        self._calls += 1

    def uncount_call(self) -> None:
        """Take back the note of a call that was not made in the end."""
        now = self._now()
        now[1] -= 1
        self._calls -= 1

    def allows_retry(self) -> bool:
        """Take a further attempt out of the budget, if there is one in it."""
        now = self._now()
        if self._retries + 1 > max(self._floor, self._ratio * self._calls):
            return False
        now[2] += 1
        self._retries += 1
        return True

    def _now(self) -> list[int]:
        second = int(self._clock())
        seconds = self._seconds
        if seconds and seconds[-1][0] == second:
            return seconds[-1]
        while seconds and seconds[0][0] <= second - WINDOW_SECONDS:
            _, calls, retries = seconds.popleft()
            self._calls -= calls
            self._retries -= retries
        seconds.append([second, 0, 0])
        return seconds[-1]


class RetryPriceModel:
    """Asks again after `ModelServerUnavailable`, with pauses, within the budget and within the deadline.

    Pauses are drawn from the whole range up to a limit that doubles ("full jitter": Brooker, "Exponential Backoff And
    Jitter", AWS, 2015), so that those who failed together do not come back together.
    """

    def __init__(
        self,
        model: PriceModel,
        *,
        budget: RetryBudget,
        max_attempts: int,
        backoff_seconds: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        draw: Callable[[float, float], float] = random.uniform,
    ) -> None:
        """Ask `model` up to `max_attempts` times, at first after a pause of up to `backoff_seconds`."""
        self._model = model
        self._budget = budget
        self._max_attempts = max_attempts
        self._backoff_seconds = backoff_seconds
        self._clock = clock
        self._sleep = sleep
        self._draw = draw
        self.retries = 0
        """How many further attempts were made, since the start."""
        self.retries_refused = 0
        """How many further attempts the budget did not allow, since the start."""

    async def price(self, houses: Sequence[AnyHouse], /) -> Sequence[PriceEstimate]:
        """See `PriceModel.price`; raises the error of the last attempt."""
        self._budget.count_call()
        limit = self._backoff_seconds
        for attempts_left in range(self._max_attempts - 1, -1, -1):
            try:
                return await self._model.price(houses)
            except CircuitOpen:
                # Nobody was asked, so nobody can be asked again for it: else an open circuit would pay for retries.
                if attempts_left == self._max_attempts - 1:
                    self._budget.uncount_call()
                raise
            except ModelServerUnavailable:
                pause = self._draw(0, limit)
                if not attempts_left or not self._is_time_for(pause):
                    raise
                if not self._budget.allows_retry():
                    self.retries_refused += 1
                    raise
                await self._sleep(pause)
                # A busy machine may sleep longer than it was asked to.
                if not self._is_time_for(0):
                    raise
            self.retries += 1
            limit *= 2
        raise AssertionError("the last attempt returns or raises")

    def _is_time_for(self, pause: float) -> bool:
        deadline = current_deadline.get()
        return deadline is None or self._clock() + pause < deadline
