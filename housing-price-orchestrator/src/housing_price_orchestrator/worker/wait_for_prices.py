"""Prices the rows of a job, retrying while the model server is unavailable."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future
from itertools import chain
from typing import Final

import structlog

from housing_price_orchestrator.shared.errors import (
    CircuitOpen,
    DeadlineExceeded,
    HousingPriceError,
    ModelChanged,
    ModelServerBusy,
    ModelServerUnavailable,
    PriceImplausible,
    QueueFull,
    RowsRefused,
)
from housing_price_orchestrator.shared.view.record import AnyHouse
from housing_price_orchestrator.worker.price_rows import Outcome
from housing_price_platform.jobs.temporary import retry_while_temporary

_ROW_ERRORS: Final = (PriceImplausible, RowsRefused)
"""Errors of a single row, which a retry cannot fix. All other errors may be transient."""

_AWAY: Final = (ModelServerUnavailable, ModelServerBusy, QueueFull, DeadlineExceeded, ModelChanged)
"""Errors that pass by themselves: they are waited for without a limit."""


class RetryingPricing:
    """Prices houses from a worker thread, with retries; the pricing itself runs in an event loop of another thread.

    While the model server is away, a job waits without a limit. While the model server answers with errors, which may
    never end, it waits for a limited time.
    """

    def __init__(
        self,
        price_each: Callable[[Sequence[AnyHouse]], Awaitable[Sequence[Outcome]]],
        loop: asyncio.AbstractEventLoop,
        *,
        max_wait_seconds: float,
        is_cancelled: Callable[[], bool],
    ) -> None:
        """Call `price_each` in `loop`, retrying errors of the model server for up to `max_wait_seconds`.

        A job that `is_cancelled` is not waited for.
        """
        self._price_each = price_each
        self._loop = loop
        self._max_wait_seconds = max_wait_seconds
        self._is_cancelled = is_cancelled

    def __call__(self, houses: Sequence[AnyHouse]) -> Callable[[], Sequence[Outcome]]:
        """Start to price each house; returns the function that waits for the prices.

        There is an error in place of each house that the model cannot price. The function raises the last transient
        `HousingPriceError` when the retries are used up or the job was cancelled.
        """
        if not houses:
            return list
        started = self._start(houses)
        return lambda: self._wait(houses, started)

    def _start(self, houses: Sequence[AnyHouse]) -> Future[Sequence[Outcome]]:
        return asyncio.run_coroutine_threadsafe(self._price(houses), self._loop)

    def _wait(self, houses: Sequence[AnyHouse], started: Future[Sequence[Outcome]]) -> Sequence[Outcome]:
        if started.done() and (started.exception() or _transient_error_in(started.result())):
            # It failed while earlier houses were waited for, perhaps in an outage that is over.
            started = self._start(houses)
        attempts = chain((started,), iter(lambda: self._start(houses), None))
        failing = _Failing()

        def price() -> Sequence[Outcome]:
            outcomes = next(attempts).result()
            error = _transient_error_in(outcomes)
            if error is not None:
                raise error
            return outcomes

        def is_worth_waiting(error: Exception) -> bool:
            return isinstance(error, HousingPriceError) and failing.seconds_after(error) < self._max_wait_seconds

        try:
            return retry_while_temporary(
                price, is_temporary=is_worth_waiting, report=_report, is_cancelled=self._is_cancelled
            )
        except CircuitOpen as error:
            if failing.reason is None:
                raise
            # The circuit only repeats the reason for which it was opened.
            raise failing.reason from error

    async def _price(self, houses: Sequence[AnyHouse]) -> Sequence[Outcome]:
        return await self._price_each(houses)


class _Failing:
    """For how long the model server has answered with errors, and the last of them."""

    def __init__(self) -> None:
        self.reason: HousingPriceError | None = None
        self._since: float | None = None

    def seconds_after(self, error: HousingPriceError) -> float:
        if isinstance(error, _AWAY):
            self.reason = self._since = None
        elif not isinstance(error, CircuitOpen):
            self.reason = error
            self._since = self._since or time.monotonic()
        return 0.0 if self._since is None else time.monotonic() - self._since


def _report(error: Exception, seconds: float) -> None:
    structlog.get_logger().warning(
        "pricing failed, retrying", error=f"{type(error).__name__}: {error}", seconds=seconds
    )


def _transient_error_in(outcomes: Sequence[Outcome]) -> HousingPriceError | None:
    for outcome in outcomes:
        if isinstance(outcome, HousingPriceError) and not isinstance(outcome, _ROW_ERRORS):
            return outcome
    return None
