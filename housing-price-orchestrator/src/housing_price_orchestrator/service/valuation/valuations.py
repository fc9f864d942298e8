"""Values houses, with all prices of a valuation from one model."""

import time
from collections.abc import Collection, Sequence

from housing_price_orchestrator.observability.metrics import Metrics
from housing_price_orchestrator.service.pricing import Pricing
from housing_price_orchestrator.service.valuation.assemble import Findings, assemble
from housing_price_orchestrator.service.valuation.part_counts import PartCounts
from housing_price_orchestrator.service.valuation.parts import (
    Evidence,
    ModelsAsked,
    PartValues,
    ValuationParts,
    sold_houses,
    sold_prices_of,
)
from housing_price_orchestrator.service.valuation.valued_house import ValuedHouse
from housing_price_orchestrator.shared.deadline import deadline_at
from housing_price_orchestrator.shared.errors import HousingPriceError
from housing_price_orchestrator.shared.ports import ComparablesModel
from housing_price_orchestrator.shared.view.record import AnyHouse
from housing_price_orchestrator.shared.view.valuation import ValuationPart


class Valuations:
    """Values houses by the sales comparison approach: sold houses close by, each adjusted for what differs."""

    def __init__(
        self,
        pricing: Pricing,
        comparables: ComparablesModel | None,
        *,
        typical_house: AnyHouse,
        deadline_seconds: float,
        metrics: Metrics | None = None,
    ) -> None:
        """Value with these models.

        Args:
            pricing: prices the houses, the comparable sales and the houses of explanations.
            comparables: finds comparable sales; None to value with the price alone.
            typical_house: the house with which explanations compare.
            deadline_seconds: time limit of a request.
            metrics: counts the parts of the valuations; None to count nothing.
        """
        self._pricing = pricing
        self._models = ModelsAsked(pricing.price_all, comparables, typical_house)
        self._deadline_seconds = deadline_seconds
        self._counts = None if metrics is None else PartCounts(metrics)

    async def value_all(
        self,
        houses: Sequence[AnyHouse],
        include: Collection[ValuationPart],
        *,
        within_seconds: float | None = None,
    ) -> Sequence[ValuedHouse]:
        """Value at least one house, in order; `within_seconds` shortens the deadline.

        The price is required. Other parts that fail are missing in the valuation, which names their problems.

        Raises:
            HousingPriceError: a house has no price; see `Model.answer`.
        """
        seconds = self._deadline_seconds
        seconds = seconds if within_seconds is None else min(seconds, within_seconds)
        with deadline_at(time.monotonic() + seconds):
            findings = _by_house(await ValuationParts(self._models, houses, include).run())
            changed = [at for at, of_house in enumerate(findings) if of_house.is_of_several_models]
            if changed:
                again = await self._price_together(
                    [houses[at] for at in changed], [findings[at] for at in changed], include
                )
                for at, of_house in zip(changed, again, strict=True):
                    findings[at] = of_house
        valued = [assemble(house, of_house) for house, of_house in zip(houses, findings, strict=True)]
        if self._counts is not None:
            self._counts.count(valued)
        return valued

    async def _price_together(
        self, houses: Sequence[AnyHouse], findings: Sequence[Findings], include: Collection[ValuationPart]
    ) -> Sequence[Findings]:
        """Price houses again, in one call with their comparable sales, because the model changed between two calls.

        One call has one model for each house. The earlier price of a house stays if the call fails.
        """
        found = [of_house.comparables for of_house in findings]
        sold = [sold_houses(house, one) for house, one in zip(houses, found, strict=True)]
        try:
            estimates = await self._pricing.price_all([*houses, *(row for rows in sold for row in rows)])
        except HousingPriceError:
            return findings
        prices, sold_estimates = estimates[: len(houses)], iter(estimates[len(houses) :])
        known = Evidence(prices, found, sold_prices_of(found, sold_estimates))
        return _by_house(await ValuationParts(self._models, houses, include, known).run())


def _by_house(values: PartValues) -> list[Findings]:
    evidence = values.evidence
    nothing = [None] * len(evidence.prices)
    return [
        Findings(*of_house)
        for of_house in zip(
            evidence.prices,
            evidence.comparables,
            evidence.sold_prices,
            values.typical or nothing,
            values.adjustments or nothing,
            strict=True,
        )
    ]
