"""A time limit around a price model."""

import asyncio
from collections.abc import Sequence

from housing_price_orchestrator.shared.errors import DeadlineExceeded
from housing_price_orchestrator.shared.ports import PriceEstimate, PriceModel
from housing_price_orchestrator.shared.view.record import AnyHouse


class DeadlinePriceModel:
    """Gives every question one total time; what is still running when it ends is cancelled."""

    def __init__(self, model: PriceModel, *, seconds: float) -> None:
        """Give `model` so many seconds for each question."""
        self._model = model
        self._seconds = seconds

    async def price(self, houses: Sequence[AnyHouse], /) -> Sequence[PriceEstimate]:
        """See `PriceModel.price`; raises `DeadlineExceeded` when the time is over."""
        limit = asyncio.timeout(self._seconds)
        try:
            async with limit:
                return await self._model.price(houses)
        except TimeoutError as error:
            # A TimeoutError from further inside is somebody else's.
            if not limit.expired():
                raise
            raise DeadlineExceeded(f"no answer within {self._seconds} s") from error
