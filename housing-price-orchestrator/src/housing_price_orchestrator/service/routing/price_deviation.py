"""Compares canary prices with the champion's, in the background."""

import asyncio
import math
from collections.abc import Callable, Sequence
from contextvars import Context
from typing import Final

import structlog

from housing_price_orchestrator.shared.errors import HousingPriceError
from housing_price_orchestrator.shared.ports import PriceEstimate, PriceModel
from housing_price_orchestrator.shared.tasks import cancel_and_wait
from housing_price_orchestrator.shared.view.record import AnyHouse

MAX_HOUSES: Final = 10
"""Maximum number of houses compared per request."""


def deviation(one_usd: float, other_usd: float) -> float:
    """Return the deviation of two prices, |log(one / other)|; close to the relative difference if small."""
    return abs(math.log(one_usd / other_usd))


class CanaryComparison:
    """Prices a sample of the canary's houses with the champion.

    Compares one request at a time and skips the others, so the extra load on the champion stays small.
    """

    def __init__(self, champion: PriceModel, on_compared: Callable[[float, float], None]) -> None:
        """Compare with `champion`, which may refuse under load; call `on_compared(canary_usd, champion_usd)`."""
        self._champion = champion
        self._on_compared = on_compared
        self._task: asyncio.Task[None] | None = None
        self._log = structlog.get_logger()

    def compare(self, houses: Sequence[AnyHouse], estimates: Sequence[PriceEstimate]) -> None:
        """Start a comparison unless one is in progress; returns at once."""
        if self._task is None or self._task.done():
            # An empty context: the comparison must not inherit the request's deadline or record.
            self._task = asyncio.create_task(
                self._compare(houses[:MAX_HOUSES], estimates[:MAX_HOUSES]), context=Context()
            )

    async def aclose(self) -> None:
        """Cancel the comparison in progress."""
        if self._task is not None:
            await cancel_and_wait(self._task)

    async def _compare(self, houses: Sequence[AnyHouse], estimates: Sequence[PriceEstimate]) -> None:
        try:
            champion_estimates = await self._champion.answer(houses)
        except HousingPriceError:
            return  # the champion is overloaded or has no price: skip this comparison
        except Exception as error:  # noqa: BLE001 - nothing awaits this task, so its errors must be logged here
            self._log.error("canary comparison failed: unexpected error", exc_info=error)
            return
        for canary, champion in zip(estimates, champion_estimates, strict=True):
            self._on_compared(canary.price_usd, champion.price_usd)
