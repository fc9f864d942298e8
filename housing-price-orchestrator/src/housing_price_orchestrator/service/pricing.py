"""Pricing houses: what the product is for."""

import math
import time
from collections.abc import Sequence

from housing_price_orchestrator.shared.deadline import deadline_at
from housing_price_orchestrator.shared.errors import HousingPriceError, PriceImplausible, RowsRefused
from housing_price_orchestrator.shared.ports import PriceEstimate, PriceModel
from housing_price_orchestrator.shared.view.record import AnyHouse


class Pricing:
    """Prices one house or many with the model it was given."""

    def __init__(
        self, model: PriceModel, *, patient_model: PriceModel | None = None, deadline_seconds: float = math.inf
    ) -> None:
        """Price with `model`, which gives each question up to `deadline_seconds`.

        `patient_model` is asked by those who have waited for their turn already and are not to be turned away.
        """
        self._model = model
        self._patient_model = patient_model or model
        self._deadline_seconds = deadline_seconds

    def ask(self, model: PriceModel, *, patient_model: PriceModel) -> None:
        """Price with others from now on; what is under way stays where it is."""
        self._model = model
        self._patient_model = patient_model

    async def price(self, house: AnyHouse, *, within_seconds: float | None = None) -> PriceEstimate:
        """Price one house, within a shorter time where its caller wants it. Raises what `PriceModel.price` raises."""
        (estimate,) = await self.price_all((house,), within_seconds=within_seconds)
        return estimate

    async def price_all(
        self, houses: Sequence[AnyHouse], *, within_seconds: float | None = None
    ) -> Sequence[PriceEstimate]:
        """Price every house, in order, or none. Raises what `PriceModel.price` raises."""
        if within_seconds is None:
            return await self._model.price(houses)
        with deadline_at(time.monotonic() + within_seconds):
            return await self._model.price(houses)

    async def price_each(
        self, houses: Sequence[AnyHouse], *, within_seconds: float | None = None
    ) -> Sequence[PriceEstimate | HousingPriceError]:
        """Price each house by itself: one that cannot be priced has its error in its place, and the others a price."""
        seconds = self._deadline_seconds if within_seconds is None else within_seconds
        # All halves together have the time of one question.
        with deadline_at(time.monotonic() + seconds):
            return await self._price_each(houses)

    async def _price_each(self, houses: Sequence[AnyHouse]) -> Sequence[PriceEstimate | HousingPriceError]:
        try:
            return await self._patient_model.price(houses)
        except PriceImplausible as error:
            if len(error.estimates) != len(houses):
                raise RuntimeError(f"{len(error.estimates)} estimates for {len(houses)} houses") from error
            return [error if estimate is None else estimate for estimate in error.estimates]
        except RowsRefused as error:
            if len(houses) == 1:
                return [error]
            # Halving finds the row that the model server does not take, in at most log2(n) steps.
            middle = len(houses) // 2
            return [*await self._price_each(houses[:middle]), *await self._price_each(houses[middle:])]
        except HousingPriceError as error:
            return [error] * len(houses)
