"""Answers from memory: to be quicker, or because the model server is away. Always marked, never silently."""

import asyncio
import time
from collections.abc import Sequence

from housing_price_orchestrator.provider.model_server.columns import Row, row_of
from housing_price_orchestrator.service.resilience.price_memory import PriceMemory
from housing_price_orchestrator.shared.deadline import current_deadline
from housing_price_orchestrator.shared.errors import (
    CircuitOpen,
    DeadlineExceeded,
    ModelServerBusy,
    ModelServerUnavailable,
)
from housing_price_orchestrator.shared.ports import PriceEstimate, PriceModel
from housing_price_orchestrator.shared.view.record import AnyHouse

AWAY = (ModelServerUnavailable, ModelServerBusy, CircuitOpen, DeadlineExceeded)
"""What it means that a model server is away; what it answers wrongly is not covered up."""

MARGIN_SECONDS = 0.05
"""So long before its deadline a question is answered from memory; of a short time, a tenth."""


class FallbackPriceModel:
    """Looks into the memory before the model is asked (the cache), or when it is away (the last known price)."""

    def __init__(
        self,
        model: PriceModel,
        memory: PriceMemory,
        *,
        cache_seconds: float | None = None,
        last_known_seconds: float | None = None,
    ) -> None:
        """Use prices of up to these ages; None turns the one or the other off."""
        self._model = model
        self._memory = memory
        self._cache_seconds = cache_seconds
        self._last_known_seconds = last_known_seconds

    async def price(self, houses: Sequence[AnyHouse], /) -> Sequence[PriceEstimate]:
        """See `PriceModel.price`; a price from memory says so in its `source`."""
        rows = [row_of(house) for house in houses]
        cached: list[PriceEstimate | None] = [None] * len(rows)
        if self._cache_seconds is not None:
            cached = self._memory.recall(rows, "cache", max_age_seconds=self._cache_seconds)
        missing = [at for at, estimate in enumerate(cached) if estimate is None]
        asked = await self._ask([houses[at] for at in missing], [rows[at] for at in missing])
        for at, estimate in zip(missing, asked, strict=True):
            cached[at] = estimate
        estimates = [estimate for estimate in cached if estimate is not None]
        if len({estimate.model.id for estimate in estimates}) > 1:
            # The model has changed meanwhile: one answer never mixes two.
            return await self._ask(houses, rows)
        return estimates

    async def _ask(self, houses: Sequence[AnyHouse], rows: Sequence[Row]) -> Sequence[PriceEstimate]:
        if not houses:
            return []
        known: list[PriceEstimate | None] = [None]
        if self._last_known_seconds is not None:
            known = self._memory.recall(rows, "last-known", max_age_seconds=self._last_known_seconds)
        if None in known:
            estimates = await self._model.price(houses)
        else:
            try:
                estimates = await self._in_good_time(houses)
            except AWAY:
                return [estimate for estimate in known if estimate is not None]
        self._memory.remember(rows, estimates)
        return estimates

    async def _in_good_time(self, houses: Sequence[AnyHouse]) -> Sequence[PriceEstimate]:
        """Ask, and give up a little before the deadline, where there is still time to answer otherwise."""
        deadline = current_deadline.get()
        if deadline is None:
            return await self._model.price(houses)
        left = deadline - time.monotonic()
        limit = asyncio.timeout(left - min(MARGIN_SECONDS, left / 10))
        try:
            async with limit:
                return await self._model.price(houses)
        except TimeoutError as error:
            if not limit.expired():
                raise
            raise DeadlineExceeded("no answer shortly before the deadline") from error
