"""Pricing houses: what the product is for."""

from collections.abc import Sequence

from housing_price_orchestrator.shared.ports import PriceEstimate, PriceModel
from housing_price_orchestrator.shared.view.house import House


class Pricing:
    """Prices one house or many with the model it was given."""

    def __init__(self, model: PriceModel) -> None:
        """Price with `model`."""
        self._model = model

    async def price(self, house: House) -> PriceEstimate:
        """Price one house. Raises what `PriceModel.price` raises."""
        (estimate,) = await self._model.price((house,))
        return estimate

    async def price_all(self, houses: Sequence[House]) -> Sequence[PriceEstimate]:
        """Price every house, in order, or none. Raises what `PriceModel.price` raises."""
        return await self._model.price(houses)
