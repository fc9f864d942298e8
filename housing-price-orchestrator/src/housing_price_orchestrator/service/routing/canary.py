"""A canary beside the champion: each house has its model, and no caller notices that one of them is on trial."""

import asyncio
import contextlib
import math
import time
from collections.abc import Awaitable, Callable, Sequence

from housing_price_orchestrator.service.routing.canary_buckets import bucket_of, buckets_of
from housing_price_orchestrator.service.routing.canary_watch import CanaryWatch
from housing_price_orchestrator.service.routing.price_deviation import Comparing
from housing_price_orchestrator.shared.deadline import current_deadline, deadline_at
from housing_price_orchestrator.shared.errors import (
    DeadlineExceeded,
    HousingPriceError,
    ModelServerError,
    PriceImplausible,
    QueueFull,
    RowsRefused,
)
from housing_price_orchestrator.shared.ports import PriceEstimate, PriceModel
from housing_price_orchestrator.shared.view.record import AnyHouse

CANARY_SHARE_OF_TIME = 0.5
"""So much of the time that is left a canary has; the champion has the rest, where the canary does not answer."""

_NO_ANSWER = (ModelServerError, DeadlineExceeded, QueueFull)


class RoutedPriceModel:
    """Has the canary price the houses that fall to it, and the champion all others and what the canary cannot price.

    A batch is split, and put together in its order: each part has one model.
    """

    def __init__(
        self,
        champion: PriceModel,
        canary: PriceModel,
        *,
        weight: float,
        watch: CanaryWatch,
        comparing: Comparing,
        fair_seconds: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Give `canary` this share of the ids.

        Tell `watch` how both do, and have `comparing` look at some of the canary's prices. That a canary which had less
        than `fair_seconds` gave no answer in time does not speak against it: its caller was in a hurry.
        """
        self._champion = champion
        self._canary = canary
        self._buckets = buckets_of(weight)
        self._watch = watch
        self._comparing = comparing
        self._fair_seconds = fair_seconds
        self._clock = clock

    async def price(self, houses: Sequence[AnyHouse], /) -> Sequence[PriceEstimate]:
        """See `PriceModel.price`; raises what the champion raises."""
        limit = self._buckets
        for_canary = [bucket_of(house.id) < limit for house in houses]
        if not any(for_canary):
            return await self._by_champion(houses)
        if all(for_canary):
            return await self._by_canary(houses)
        return await self._by_both(houses, for_canary)

    async def _by_both(self, houses: Sequence[AnyHouse], for_canary: Sequence[bool]) -> Sequence[PriceEstimate]:
        of_canary = [at for at, is_so in enumerate(for_canary) if is_so]
        of_champion = [at for at, is_so in enumerate(for_canary) if not is_so]
        try:
            async with asyncio.TaskGroup() as group:
                parts = [
                    (places, group.create_task(_for_each(price, [houses[at] for at in places])))
                    for places, price in ((of_canary, self._by_canary), (of_champion, self._by_champion))
                ]
        except ExceptionGroup as failures:
            # The first part to fail has ended the other, and speaks for the whole.
            raise failures.exceptions[0] from None
        estimates: list[PriceEstimate | None] = [None] * len(houses)
        for places, task in parts:
            for at, estimate in zip(places, task.result(), strict=True):
                estimates[at] = estimate
        if None in estimates:
            raise PriceImplausible("some house has no usable price", estimates)
        return estimates  # type: ignore[return-value]  # no None in it, as checked above

    async def _by_champion(self, houses: Sequence[AnyHouse]) -> Sequence[PriceEstimate]:
        started_at = self._clock()
        estimates = await self._champion.price(houses)
        # How quickly it remembers is nothing to compare a canary with, which is always asked.
        if any(one.source == "model" for one in estimates):
            self._watch.champion_answered(self._clock() - started_at)
        return estimates

    async def _by_canary(self, houses: Sequence[AnyHouse]) -> Sequence[PriceEstimate]:
        started_at = self._clock()
        deadline = current_deadline.get()
        seconds = math.inf if deadline is None else CANARY_SHARE_OF_TIME * (deadline - started_at)
        try:
            with contextlib.nullcontext() if deadline is None else deadline_at(started_at + seconds):
                estimates = await self._canary.price(houses)
        except RowsRefused as error:
            return await self._covered(houses, error, self._clock() - started_at)
        except _NO_ANSWER as error:
            if not isinstance(error, DeadlineExceeded) or seconds >= self._fair_seconds:
                self._watch.canary_failed(self._clock() - started_at)
            return await self._champion.price(houses)
        self._watch.canary_answered(self._clock() - started_at)
        self._comparing.compare(houses, estimates)
        return estimates

    async def _covered(
        self, houses: Sequence[AnyHouse], error: HousingPriceError, seconds: float
    ) -> Sequence[PriceEstimate]:
        """Have the champion price what the canary refused: where it does, the rows were good and the canary is not."""
        try:
            estimates = await self._champion.price(houses)
        except RowsRefused:
            raise error from None
        self._watch.canary_failed(seconds)
        return estimates


async def _for_each(
    price: Callable[[Sequence[AnyHouse]], Awaitable[Sequence[PriceEstimate]]], houses: Sequence[AnyHouse]
) -> Sequence[PriceEstimate | None]:
    """Ask for a part of something larger: an implausible price leaves a gap in its place."""
    try:
        return await price(houses)
    except PriceImplausible as error:
        return error.estimates
