"""Prices the rows of a job, and waits for a model server that is away."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence

import structlog

from housing_price_orchestrator.shared.errors import HousingPriceError, PriceImplausible, RowsRefused
from housing_price_orchestrator.shared.ports import PriceEstimate
from housing_price_orchestrator.shared.view.record import AnyHouse

FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 10.0

_OF_THE_ROW = (PriceImplausible, RowsRefused)
"""What is wrong with one row, and will be so again; anything else may pass."""

type Outcome = PriceEstimate | HousingPriceError


class PatientPricing:
    """Asks for prices from a thread; what prices them runs in an event loop elsewhere."""

    def __init__(
        self,
        price_each: Callable[[Sequence[AnyHouse]], Awaitable[Sequence[Outcome]]],
        loop: asyncio.AbstractEventLoop,
        *,
        patience_seconds: float,
        sleep: Callable[[float], object] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Ask `price_each` in `loop`, again and again for up to `patience_seconds`."""
        self._price_each = price_each
        self._loop = loop
        self._patience_seconds = patience_seconds
        self._sleep = sleep
        self._clock = clock

    def __call__(self, houses: Sequence[AnyHouse]) -> Sequence[Outcome]:
        """Price each house; an error stands in the place of one that the model does not price.

        Raises:
            HousingPriceError: why no prices could be had for so long.
        """
        if not houses:
            return []
        until, pause = self._clock() + self._patience_seconds, FIRST_PAUSE_SECONDS
        while True:
            asked = asyncio.run_coroutine_threadsafe(self._ask(houses), self._loop)
            outcomes = asked.result()
            trouble = _trouble_in(outcomes)
            if trouble is None:
                return outcomes
            if self._clock() + pause > until:
                raise trouble
            structlog.get_logger().warning(
                "no prices, trying again", error=f"{type(trouble).__name__}: {trouble}", seconds=pause
            )
            self._sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    async def _ask(self, houses: Sequence[AnyHouse]) -> Sequence[Outcome]:
        return await self._price_each(houses)


def _trouble_in(outcomes: Sequence[Outcome]) -> HousingPriceError | None:
    for one in outcomes:
        if isinstance(one, HousingPriceError) and not isinstance(one, _OF_THE_ROW):
            return one
    return None
