"""Estimates the price of a house of which only a few features are known."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from housing_price_orchestrator.service.estimate.assumptions import Assumption, assumptions_of
from housing_price_orchestrator.service.estimate.completion import complete_house
from housing_price_orchestrator.service.estimate.estimated_price import EstimatedPrice, estimate_price
from housing_price_orchestrator.service.pricing import Pricing
from housing_price_orchestrator.shared.deadline import deadline_at
from housing_price_orchestrator.shared.errors import ComparablesOff, PriceImplausible
from housing_price_orchestrator.shared.ports import ComparablesModel, ComparablesQuestion, ModelIdentity, PriceEstimate
from housing_price_orchestrator.shared.view.fields import house_fields
from housing_price_orchestrator.shared.view.record import AnyHouse, house_with_gaps

COMPLETED_HOUSES: Final = 20
"""Sold houses that complete the house."""

NO_ID: Final = 1
"""The id of the completed houses if the caller gives none; it does not reach the models."""

_FEATURES: Final = tuple(field for field in house_fields() if field.name != "id")


@dataclass(frozen=True, slots=True)
class EstimateFromFacts:
    """An estimate, and what it is based on."""

    price: EstimatedPrice
    assumed: Sequence[Assumption]
    sales: Sequence[int]
    """The numbers of the sales that completed the house, nearest first."""
    known: AnyHouse
    """The house with its known features only."""
    prices: Sequence[PriceEstimate]
    """The prices of the completed houses, all by one model."""
    comparables: ModelIdentity
    """The model that found the sales."""


class Estimates:
    """Completes a house with each of the sold houses nearest to it, and prices all completed houses in one call."""

    def __init__(self, pricing: Pricing, comparables: ComparablesModel | None, *, deadline_seconds: float) -> None:
        """Estimate with these models.

        Args:
            pricing: prices the completed houses.
            comparables: finds the sold houses; None if no such model is configured.
            deadline_seconds: time limit of a request.
        """
        self._pricing = pricing
        self._comparables = comparables
        self._deadline_seconds = deadline_seconds

    async def estimate(
        self, house_id: int | None, known: Mapping[str, Any], *, within_seconds: float | None = None
    ) -> EstimateFromFacts:
        """Estimate a price; `within_seconds` shortens the deadline.

        Args:
            house_id: the caller's own number for the house.
            known: the known features, by the name of the field of `House`. None says that the house does not have the
                feature; features that are left out are assumed. The features that `HouseFacts` requires are there.
            within_seconds: the caller's time limit.

        Raises:
            ComparablesOff: no comparables model is configured.
            HousingPriceError: there are no sold houses or no prices; see `Model.answer`.
        """
        if self._comparables is None:
            raise ComparablesOff
        seconds = self._deadline_seconds
        seconds = seconds if within_seconds is None else min(seconds, within_seconds)
        with deadline_at(time.monotonic() + seconds):
            number = NO_ID if house_id is None else house_id
            house = house_with_gaps(number, known)
            (found,) = await self._comparables.answer([ComparablesQuestion(house, COMPLETED_HOUSES, tuple(known))])
            sold = [_features_of(sale.house) for sale in found.sales]
            completed = [complete_house(known, own, sold) for own in sold]
            prices = await self._pricing.price_all([house_with_gaps(number, one) for one in completed])
        return EstimateFromFacts(
            price=_estimate_from(prices),
            assumed=assumptions_of(completed, known, _FEATURES),
            sales=[sale.id for sale in found.sales],
            known=house,
            prices=prices,
            comparables=found.model,
        )


def _estimate_from(prices: Sequence[PriceEstimate]) -> EstimatedPrice:
    try:
        return estimate_price(prices)
    except (ArithmeticError, ValueError) as error:
        raise PriceImplausible(f"no estimate follows from the prices: {error}", [None] * len(prices)) from error


def _features_of(house: AnyHouse) -> dict[str, Any]:
    return {field.name: getattr(house, field.name) for field in _FEATURES}
