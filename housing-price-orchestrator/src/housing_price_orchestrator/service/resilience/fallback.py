"""Prices from memory: a cache, and a last known price while the model server is unavailable. Both are marked."""

import asyncio
import time
from collections.abc import Hashable, Sequence
from typing import Final

from housing_price_orchestrator.service.resilience.price_memory import PriceMemory, is_price_memory_bypassed
from housing_price_orchestrator.shared.deadline import current_deadline
from housing_price_orchestrator.shared.errors import (
    CircuitOpen,
    DeadlineExceeded,
    ModelServerBusy,
    ModelServerUnavailable,
)
from housing_price_orchestrator.shared.ports import PriceEstimate, PriceModel
from housing_price_orchestrator.shared.view.record import AnyHouse

UNAVAILABLE: Final = (ModelServerUnavailable, ModelServerBusy, CircuitOpen, DeadlineExceeded)
"""Errors that the last known price replaces. A wrong answer is reported, not replaced."""

MARGIN_SECONDS: Final = 0.05
"""Time before the deadline at which the last known price is used; at most a tenth of the time left."""


class FallbackPriceModel[Key: Hashable]:
    """Answers from memory before a call to the model (cache) or after a failed one (last known price).

    Promises that `source` marks every price from memory, and that one answer never mixes two models.
    """

    def __init__(
        self,
        model: PriceModel,
        memory: PriceMemory[Key],
        *,
        cache_seconds: float | None = None,
        last_known_seconds: float | None = None,
    ) -> None:
        """Use cached and last known prices up to these ages; None turns either off."""
        self._model = model
        self._memory = memory
        self._cache_seconds = cache_seconds
        self._last_known_seconds = last_known_seconds

    async def answer(self, houses: Sequence[AnyHouse], /) -> Sequence[PriceEstimate]:
        """See `Model.answer`; the `source` of a price from memory is `cache` or `last-known`."""
        if is_price_memory_bypassed():
            return await self._model.answer(houses)
        keys = self._memory.keys_of(houses)
        cached: list[PriceEstimate | None] = [None] * len(keys)
        if self._cache_seconds is not None:
            cached = self._memory.recall(keys, "cache", max_age_seconds=self._cache_seconds)
        missing = [at for at, estimate in enumerate(cached) if estimate is None]
        fresh = await self._price_by_model([houses[at] for at in missing], [keys[at] for at in missing])
        for at, estimate in zip(missing, fresh, strict=True):
            cached[at] = estimate
        estimates = [estimate for estimate in cached if estimate is not None]
        if len({estimate.model.id for estimate in estimates}) > 1:
            # The model changed since some prices were cached: price all houses with the new one.
            return await self._price_by_model(houses, keys)
        return estimates

    async def _price_by_model(self, houses: Sequence[AnyHouse], keys: Sequence[Key]) -> Sequence[PriceEstimate]:
        if not houses:
            return []
        known: list[PriceEstimate | None] = [None]
        if self._last_known_seconds is not None:
            known = self._memory.recall(keys, "last-known", max_age_seconds=self._last_known_seconds)
        if None in known:
            estimates = await self._model.answer(houses)
        else:
            try:
                estimates = await self._price_before_deadline(houses)
            except UNAVAILABLE:
                return [estimate for estimate in known if estimate is not None]
        self._memory.remember(keys, estimates)
        return estimates

    async def _price_before_deadline(self, houses: Sequence[AnyHouse]) -> Sequence[PriceEstimate]:
        """Call the model and stop shortly before the deadline, to leave time for an answer from memory."""
        deadline = current_deadline.get()
        if deadline is None:
            return await self._model.answer(houses)
        left = deadline - time.monotonic()
        limit = asyncio.timeout(left - min(MARGIN_SECONDS, left / 10))
        try:
            async with limit:
                return await self._model.answer(houses)
        except TimeoutError as error:
            if not limit.expired():
                raise
            raise DeadlineExceeded("no answer shortly before the deadline") from error
