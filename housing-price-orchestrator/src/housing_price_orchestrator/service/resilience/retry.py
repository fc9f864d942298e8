"""Retries of transient failures, limited by a shared budget and by the deadline.

stamina and tenacity retry one function call. They know neither how many other calls are retrying nor the deadline of
the callers, which are what keeps retries from amplifying an outage (Google SRE book, "Addressing Cascading Failures").
"""

import asyncio
import random
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from housing_price_orchestrator.shared.deadline import current_deadline
from housing_price_orchestrator.shared.errors import CircuitOpen, ModelServerUnavailable
from housing_price_orchestrator.shared.ports import Model

WINDOW_SECONDS: Final = 10
"""Period that the budget covers, as in Finagle. A longer one would let a quiet hour pay for a retry storm."""


class RetryBudget:
    """Limits retries to a share of calls: `ratio` times the calls of the last 10 s, or `floor` if that is more.

    Sustained load thus has at most `1 + ratio` attempts per call, whatever fails. Envoy's retry budget works the same
    way (20 %, at least 3).
    """

    def __init__(self, *, ratio: float, floor: int, clock: Callable[[], float] = time.monotonic) -> None:
        """Allow `ratio` retries per call, and `floor` retries when there were few calls."""
        self._ratio = ratio
        self._floor = floor
        self._clock = clock
        # One entry per active second: [second, calls, retries].
        self._seconds: deque[list[int]] = deque()
        self._calls = 0
        self._retries = 0

    def count_call(self) -> None:
        """Count the first attempt of a call."""
        self._current_second()[1] += 1
        self._calls += 1

    def uncount_call(self) -> None:
        """Take back a count, because the call was not made."""
        current = self._current_second()
        current[1] -= 1
        self._calls -= 1

    def take_retry(self) -> bool:
        """Take one retry from the budget; returns False if the budget is spent."""
        current = self._current_second()
        if self._retries + 1 > max(self._floor, self._ratio * self._calls):
            return False
        current[2] += 1
        self._retries += 1
        return True

    def _current_second(self) -> list[int]:
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


class RetryModel[Question, Answer]:
    """Retries after `ModelServerUnavailable`, within the budget and the deadline.

    Promises that no retry starts after the deadline, and that every other error passes through at once. Backoff is
    exponential with full jitter (Brooker, "Exponential Backoff And Jitter", AWS, 2015), so that calls that failed
    together do not retry together.
    """

    def __init__(
        self,
        model: Model[Question, Answer],
        *,
        budget: RetryBudget,
        max_attempts: int,
        backoff_seconds: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        draw: Callable[[float, float], float] = random.uniform,
    ) -> None:
        """Try `model` up to `max_attempts` times; pauses last up to `backoff_seconds`, which doubles each time."""
        self._model = model
        self._budget = budget
        self._max_attempts = max_attempts
        self._backoff_seconds = backoff_seconds
        self._clock = clock
        self._sleep = sleep
        self._draw = draw
        self.retries = 0
        """Retries since the start."""
        self.retries_refused = 0
        """Retries refused by the budget since the start."""

    async def answer(self, questions: Sequence[Question], /) -> Sequence[Answer]:
        """See `Model.answer`; raises the error of the last attempt."""
        self._budget.count_call()
        max_pause = self._backoff_seconds
        for attempts_left in range(self._max_attempts - 1, -1, -1):
            try:
                return await self._model.answer(questions)
            except CircuitOpen:
                # No call was made, so it must not count: an open circuit would otherwise fill the retry budget.
                if attempts_left == self._max_attempts - 1:
                    self._budget.uncount_call()
                raise
            except ModelServerUnavailable:
                pause = self._draw(0, max_pause)
                if not attempts_left or not self._fits_deadline(pause):
                    raise
                if not self._budget.take_retry():
                    self.retries_refused += 1
                    raise
                await self._sleep(pause)
                # A busy machine can sleep longer than requested.
                if not self._fits_deadline(0):
                    raise
            self.retries += 1
            max_pause *= 2
        raise AssertionError("the last attempt returns or raises")

    def _fits_deadline(self, pause_seconds: float) -> bool:
        deadline = current_deadline.get()
        return deadline is None or self._clock() + pause_seconds < deadline
