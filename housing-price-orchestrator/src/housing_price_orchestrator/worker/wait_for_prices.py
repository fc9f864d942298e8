"""Prices the rows of a job, retrying while the model server is unavailable."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import structlog

from housing_price_orchestrator.shared.errors import HousingPriceError, PriceImplausible, RowsRefused
from housing_price_orchestrator.shared.ports import PriceEstimate
from housing_price_orchestrator.shared.view.record import AnyHouse

FIRST_PAUSE_SECONDS: Final = 0.5
MAX_PAUSE_SECONDS: Final = 10.0

_ROW_ERRORS: Final = (PriceImplausible, RowsRefused)
"""Errors of a single row, which a retry cannot fix. All other errors may be transient."""

type Outcome = PriceEstimate | HousingPriceError


class RetryingPricing:
    """Prices houses from a worker thread, with retries; the pricing itself runs in an event loop of another thread."""

    def __init__(
        self,
        price_each: Callable[[Sequence[AnyHouse]], Awaitable[Sequence[Outcome]]],
        loop: asyncio.AbstractEventLoop,
        *,
        max_wait_seconds: float,
    ) -> None:
        """Call `price_each` in `loop`, retrying for up to `max_wait_seconds`."""
        self._price_each = price_each
        self._loop = loop
        self._max_wait_seconds = max_wait_seconds

    def __call__(self, houses: Sequence[AnyHouse]) -> Sequence[Outcome]:
        """Price each house, with an error in place of each house that the model cannot price.

        Raises:
            HousingPriceError: the last transient error, when the retries are used up.
        """
        if not houses:
            return []
        deadline, pause = time.monotonic() + self._max_wait_seconds, FIRST_PAUSE_SECONDS
        while True:
            future = asyncio.run_coroutine_threadsafe(self._price(houses), self._loop)
            outcomes = future.result()
            transient_error = _transient_error_in(outcomes)
            if transient_error is None:
                return outcomes
            if time.monotonic() + pause > deadline:
                raise transient_error
            structlog.get_logger().warning(
                "pricing failed, retrying", error=f"{type(transient_error).__name__}: {transient_error}", seconds=pause
            )
            time.sleep(pause)
            pause = min(2 * pause, MAX_PAUSE_SECONDS)

    async def _price(self, houses: Sequence[AnyHouse]) -> Sequence[Outcome]:
        return await self._price_each(houses)


def _transient_error_in(outcomes: Sequence[Outcome]) -> HousingPriceError | None:
    for outcome in outcomes:
        if isinstance(outcome, HousingPriceError) and not isinstance(outcome, _ROW_ERRORS):
            return outcome
    return None
