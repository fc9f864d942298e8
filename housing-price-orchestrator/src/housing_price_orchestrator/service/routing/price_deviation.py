"""Has the champion say, in the background, what it would have answered for houses that a canary has priced."""

import asyncio
import contextlib
import math
from collections.abc import Callable, Sequence
from contextvars import Context

import structlog

from housing_price_orchestrator.shared.errors import HousingPriceError
from housing_price_orchestrator.shared.ports import PriceEstimate, PriceModel
from housing_price_orchestrator.shared.view.record import AnyHouse

MOST_HOUSES = 10
"""So many houses of a request are compared."""


def deviation(one_usd: float, other_usd: float) -> float:
    """Tell how far two prices are from each other: |log(one / other)|, nearly the share of the price."""
    return abs(math.log(one_usd / other_usd))


class Comparing:
    """Compares one request at a time, so that the champion has little more to do than without; others are left out."""

    def __init__(self, champion: PriceModel, compared: Callable[[float, float], None]) -> None:
        """Ask `champion`, which refuses what it has no time for; tell `compared` both prices, the canary's first."""
        self._champion = champion
        self._compared = compared
        self._asking: asyncio.Task[None] | None = None
        self._log = structlog.get_logger()

    def compare(self, houses: Sequence[AnyHouse], estimates: Sequence[PriceEstimate]) -> None:
        """Begin to compare what the canary has answered, if nothing is being compared; returns at once."""
        if self._asking is None or self._asking.done():
            # A context of its own: it belongs to no request, and has its own time.
            self._asking = asyncio.create_task(
                self._ask(houses[:MOST_HOUSES], estimates[:MOST_HOUSES]), context=Context()
            )

    async def aclose(self) -> None:
        """Compare nothing more."""
        if self._asking is not None:
            self._asking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._asking

    async def _ask(self, houses: Sequence[AnyHouse], estimates: Sequence[PriceEstimate]) -> None:
        try:
            others = await self._champion.price(houses)
        except HousingPriceError:
            return  # no time, or no price: then nothing is compared
        except Exception as error:  # noqa: BLE001 - even a defect must not end in a task that nobody waits for
            self._log.error("a comparison failed", exc_info=error)
            return
        for canary, champion in zip(estimates, others, strict=True):
            self._compared(canary.price_usd, champion.price_usd)
