"""Prices houses: the main use case of the service."""

import math
import time
from collections.abc import Sequence

from housing_price_orchestrator.service.answer_each import answer_each
from housing_price_orchestrator.shared.deadline import deadline_at
from housing_price_orchestrator.shared.errors import HousingPriceError
from housing_price_orchestrator.shared.ports import PriceEstimate, PriceModel
from housing_price_orchestrator.shared.view.record import AnyHouse


class Pricing:
    """Prices one house, a batch, or many houses independently."""

    def __init__(
        self, model: PriceModel, *, bulk_model: PriceModel | None = None, deadline_seconds: float = math.inf
    ) -> None:
        """Set the models.

        Args:
            model: prices single houses and batches.
            bulk_model: prices houses of streams and files, without admission control; `model` by default.
            deadline_seconds: time limit of `price_each`, retries with smaller parts included.
        """
        self._model = model
        self._bulk_model = bulk_model or model
        self._deadline_seconds = deadline_seconds

    def use_models(self, model: PriceModel, *, bulk_model: PriceModel) -> None:
        """Use these models for new requests; requests in flight keep theirs."""
        self._model = model
        self._bulk_model = bulk_model

    async def price(self, house: AnyHouse, *, within_seconds: float | None = None) -> PriceEstimate:
        """Price one house; `within_seconds` shortens the deadline. Raises what `Model.answer` raises."""
        (estimate,) = await self.price_all((house,), within_seconds=within_seconds)
        return estimate

    async def price_all(
        self, houses: Sequence[AnyHouse], *, within_seconds: float | None = None
    ) -> Sequence[PriceEstimate]:
        """Price all houses, in order, or fail as a whole. Raises what `Model.answer` raises."""
        if within_seconds is None:
            return await self._model.answer(houses)
        with deadline_at(time.monotonic() + within_seconds):
            return await self._model.answer(houses)

    async def price_each(
        self, houses: Sequence[AnyHouse], *, within_seconds: float | None = None
    ) -> Sequence[PriceEstimate | HousingPriceError]:
        """Price houses independently; returns a price or an error for each, in order."""
        seconds = self._deadline_seconds if within_seconds is None else within_seconds
        # All parts share the deadline of one request.
        with deadline_at(time.monotonic() + seconds):
            return await answer_each(self._bulk_model.answer, houses)
