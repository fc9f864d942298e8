"""Pricing houses: what the product is for."""

from collections.abc import Sequence

from housing_price_orchestrator.shared.errors import HousingPriceError, PriceImplausible, RowsRefused
from housing_price_orchestrator.shared.ports import PriceEstimate, PriceModel
from housing_price_orchestrator.shared.view.record import AnyHouse


class Pricing:
    """Prices one house or many with the model it was given."""

    def __init__(self, model: PriceModel) -> None:
        """Price with `model`."""
        self._model = model

    async def price(self, house: AnyHouse) -> PriceEstimate:
        """Price one house. Raises what `PriceModel.price` raises."""
        (estimate,) = await self._model.price((house,))
        return estimate

    async def price_all(self, houses: Sequence[AnyHouse]) -> Sequence[PriceEstimate]:
        """Price every house, in order, or none. Raises what `PriceModel.price` raises."""
        return await self._model.price(houses)

    async def price_each(self, houses: Sequence[AnyHouse]) -> Sequence[PriceEstimate | HousingPriceError]:
        """Price each house by itself: one that cannot be priced has its error in its place, and the others a price."""
        try:
            return await self._model.price(houses)
        except PriceImplausible as error:
            if len(error.estimates) != len(houses):
                raise RuntimeError(f"{len(error.estimates)} estimates for {len(houses)} houses") from error
            return [error if estimate is None else estimate for estimate in error.estimates]
        except RowsRefused as error:
            if len(houses) == 1:
                return [error]
            # Halving finds the row that the model server does not take, in at most log2(n) steps.
            middle = len(houses) // 2
            return [*await self.price_each(houses[:middle]), *await self.price_each(houses[middle:])]
        except HousingPriceError as error:
            return [error] * len(houses)
