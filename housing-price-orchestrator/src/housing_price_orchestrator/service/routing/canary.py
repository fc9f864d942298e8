"""Canary routing: splits houses between champion and canary, and falls back to the champion."""

import asyncio
import contextlib
import math
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from housing_price_orchestrator.service.routing.canary_buckets import bucket_of, buckets_of
from housing_price_orchestrator.service.routing.canary_watch import CanaryWatch
from housing_price_orchestrator.service.routing.price_deviation import CanaryComparison
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

CANARY_TIME_SHARE: Final = 0.5
"""Share of the remaining time that the canary gets; the champion gets the rest if the canary does not answer."""

_CANARY_FAILURES: Final = (ModelServerError, DeadlineExceeded, QueueFull)


class RoutedPriceModel:
    """Prices a share of houses with the canary, and the others with the champion.

    The champion also prices the houses that the canary fails to price, so a canary failure never reaches a caller.
    A batch is split by house and reassembled in order; each part is priced by one model.
    """

    def __init__(
        self,
        champion: PriceModel,
        canary: PriceModel,
        *,
        weight: float,
        watch: CanaryWatch,
        comparison: CanaryComparison,
        min_fair_seconds: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Route between two models.

        Args:
            canary: prices a share of the houses.
            champion: prices the houses outside that share, and those that the canary fails to price.
            weight: the share of house ids that the canary prices, 0 to 1.
            watch: records durations and failures of both models.
            comparison: compares a sample of the canary's prices with the champion's.
            min_fair_seconds: a canary timeout counts as a failure only if the canary had at least this time.
            clock: monotonic time in seconds.
        """
        self._champion = champion
        self._canary = canary
        self._buckets = buckets_of(weight)
        self._watch = watch
        self._comparison = comparison
        self._min_fair_seconds = min_fair_seconds
        self._clock = clock

    async def answer(self, houses: Sequence[AnyHouse], /) -> Sequence[PriceEstimate]:
        """See `Model.answer`; raises what the champion raises."""
        buckets = self._buckets
        for_canary = [bucket_of(house.id) < buckets for house in houses]
        if not any(for_canary):
            return await self._by_champion(houses)
        if all(for_canary):
            return await self._by_canary(houses)
        return await self._by_both(houses, for_canary)

    async def _by_both(self, houses: Sequence[AnyHouse], for_canary: Sequence[bool]) -> Sequence[PriceEstimate]:
        canary_positions = [position for position, is_canary in enumerate(for_canary) if is_canary]
        champion_positions = [position for position, is_canary in enumerate(for_canary) if not is_canary]
        try:
            async with asyncio.TaskGroup() as group:
                parts = [
                    (
                        positions,
                        group.create_task(_price_with_gaps(price, [houses[position] for position in positions])),
                    )
                    for positions, price in (
                        (canary_positions, self._by_canary),
                        (champion_positions, self._by_champion),
                    )
                ]
        except ExceptionGroup as failures:
            # The task group cancelled the other part, so the first error stands for the whole batch.
            raise failures.exceptions[0] from None
        estimates: list[PriceEstimate | None] = [None] * len(houses)
        for positions, task in parts:
            for position, estimate in zip(positions, task.result(), strict=True):
                estimates[position] = estimate
        if None in estimates:
            raise PriceImplausible("at least one house has no usable price", estimates)
        return estimates  # type: ignore[return-value]  # no None in it, as checked above

    async def _by_champion(self, houses: Sequence[AnyHouse]) -> Sequence[PriceEstimate]:
        started_at = self._clock()
        estimates = await self._champion.answer(houses)
        # Skip answers from the price memory: the canary has no memory, so their times cannot be compared with its own.
        if any(estimate.source == "model" for estimate in estimates):
            self._watch.record_champion_answer(self._clock() - started_at)
        return estimates

    async def _by_canary(self, houses: Sequence[AnyHouse]) -> Sequence[PriceEstimate]:
        started_at = self._clock()
        deadline = current_deadline.get()
        seconds = math.inf if deadline is None else CANARY_TIME_SHARE * (deadline - started_at)
        try:
            with contextlib.nullcontext() if deadline is None else deadline_at(started_at + seconds):
                estimates = await self._canary.answer(houses)
        except RowsRefused as error:
            return await self._price_refused_by_canary(houses, error, self._clock() - started_at)
        except _CANARY_FAILURES as error:
            if not isinstance(error, DeadlineExceeded) or seconds >= self._min_fair_seconds:
                self._watch.record_canary_failure(self._clock() - started_at)
            return await self._champion.answer(houses)
        self._watch.record_canary_answer(self._clock() - started_at)
        self._comparison.compare(houses, estimates)
        return estimates

    async def _price_refused_by_canary(
        self, houses: Sequence[AnyHouse], error: HousingPriceError, seconds: float
    ) -> Sequence[PriceEstimate]:
        """Price rows that the canary refused with the champion; its success shows that the canary is at fault."""
        try:
            estimates = await self._champion.answer(houses)
        except RowsRefused:
            raise error from None
        self._watch.record_canary_failure(seconds)
        return estimates


async def _price_with_gaps(
    price: Callable[[Sequence[AnyHouse]], Awaitable[Sequence[PriceEstimate]]], houses: Sequence[AnyHouse]
) -> Sequence[PriceEstimate | None]:
    """Price a part of a batch; a house with an implausible price gets None."""
    try:
        return await price(houses)
    except PriceImplausible as error:
        return error.answers
