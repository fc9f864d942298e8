"""The parts of the valuations of some houses: a flow whose parts ask two models, each failing alone."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from housing_price_orchestrator.service.answer_each import AnswerAll, answer_each
from housing_price_orchestrator.service.flow import Flow, OptionalPart, Outcome, Values
from housing_price_orchestrator.service.valuation.explain_prices import (
    ExplainedHouse,
    SplitDifference,
    StartHouse,
    explain_each,
)
from housing_price_orchestrator.service.valuation.explanation import MAX_MIXED_FOR_SALE, MAX_MIXED_FOR_TYPICAL
from housing_price_orchestrator.shared.errors import ComparablesOff
from housing_price_orchestrator.shared.ports import Comparables, ComparablesModel, ComparablesQuestion, PriceEstimate
from housing_price_orchestrator.shared.view.record import AnyHouse, with_id
from housing_price_orchestrator.shared.view.valuation import ValuationPart

# The shares of a request's time after which the optional parts end. The rest is for the answer.
COMPARABLES_SHARE: Final = 0.6
SOLD_PRICES_SHARE: Final = 0.85
EXPLANATION_SHARE: Final = 0.95

type PerHouse[Value] = Sequence[Value | Exception]
"""A value or an error for each house, in order."""


@dataclass(frozen=True, slots=True)
class ModelsAsked:
    """The models that the parts call."""

    price_all: AnswerAll[AnyHouse, PriceEstimate]
    comparables: ComparablesModel | None
    """None if no comparables model is configured."""
    typical_house: AnyHouse


@dataclass(frozen=True, slots=True)
class Evidence:
    """The prices from which values follow, for each house."""

    prices: Sequence[PriceEstimate]
    comparables: PerHouse[Comparables]
    sold_prices: PerHouse[Sequence[PriceEstimate]]
    """The prices of the comparable sales, in their order; the error of `comparables` if there are none."""


@dataclass(frozen=True, slots=True)
class PartValues:
    """The values of all parts, for each house."""

    evidence: Evidence
    typical: PerHouse[SplitDifference] | None
    """The differences from a typical house; None if they were not wanted."""
    adjustments: PerHouse[Sequence[SplitDifference]] | None
    """The differences from each comparable sale, in their order; None if they were not wanted."""


class ValuationParts:
    """Runs the parts for the houses of one request.

    ```
    price ──────────┬─> typical
    comparables ─┬──┴─> adjustments
                 └────> sold prices
    ```
    """

    def __init__(
        self,
        models: ModelsAsked,
        houses: Sequence[AnyHouse],
        include: Collection[ValuationPart],
        known: Evidence | None = None,
    ) -> None:
        """Ask `models` for what `include` needs, except for what is `known`."""
        self._models = models
        self._houses = houses
        self._known = known
        flow = self._flow = Flow()
        self._prices = flow.required("price", self._price)
        self._comparables = flow.optional("comparables", self._find_comparables, share=COMPARABLES_SHARE)
        self._sold_prices = flow.optional(
            "soldPrices", self._price_sold_houses, needs=(self._comparables,), share=SOLD_PRICES_SHARE
        )
        self._typical: OptionalPart[PerHouse[SplitDifference]] | None = None
        self._adjustments: OptionalPart[PerHouse[Sequence[SplitDifference]]] | None = None
        if "explanation" in include:
            self._typical = flow.optional(
                "typical", self._explain_from_typical, needs=(self._prices,), share=EXPLANATION_SHARE
            )
            if "comparables" in include:
                self._adjustments = flow.optional(
                    "adjustments",
                    self._explain_adjustments,
                    needs=(self._prices, self._comparables),
                    share=EXPLANATION_SHARE,
                )

    async def run(self) -> PartValues:
        """Run the parts until `current_deadline`.

        Raises:
            HousingPriceError: a house has no price; see `Model.answer`.
        """
        outcome = await self._flow.run()
        return PartValues(
            Evidence(
                outcome[self._prices],
                self._per_house(outcome, self._comparables),
                self._per_house(outcome, self._sold_prices),
            ),
            None if self._typical is None else self._per_house(outcome, self._typical),
            None if self._adjustments is None else self._per_house(outcome, self._adjustments),
        )

    def _per_house[Value](self, outcome: Outcome, part: OptionalPart[PerHouse[Value]]) -> PerHouse[Value]:
        value = outcome[part]
        if value is not None:
            return value
        (error,) = (problem.error for problem in outcome.problems if problem.part == part.name)
        return [error] * len(self._houses)

    async def _price(self, _: Values) -> Sequence[PriceEstimate]:
        return await self._models.price_all(self._houses) if self._known is None else self._known.prices

    async def _find_comparables(self, _: Values) -> PerHouse[Comparables]:
        if self._known is not None:
            return self._known.comparables
        if self._models.comparables is None:
            raise ComparablesOff
        return await answer_each(self._models.comparables.answer, [ComparablesQuestion(one) for one in self._houses])

    async def _price_sold_houses(self, values: Values) -> PerHouse[Sequence[PriceEstimate]]:
        if self._known is not None:
            return self._known.sold_prices
        found = values[self._comparables]
        rows = [row for house, one in zip(self._houses, found, strict=True) for row in sold_houses(house, one)]
        return sold_prices_of(found, iter(await answer_each(self._models.price_all, rows)))

    async def _explain_from_typical(self, values: Values) -> PerHouse[SplitDifference]:
        start = StartHouse(self._models.typical_house)
        explained = [
            ExplainedHouse(house, price, (start,))
            for house, price in zip(self._houses, values[self._prices], strict=True)
        ]
        splits = await explain_each(self._models.price_all, explained, max_mixed=MAX_MIXED_FOR_TYPICAL)
        return [one if isinstance(one, Exception) else one[0] for one in splits]

    async def _explain_adjustments(self, values: Values) -> PerHouse[Sequence[SplitDifference]]:
        found = values[self._comparables]
        explained = [
            ExplainedHouse(house, price, [StartHouse(sale.house, sale.price_usd) for sale in one.sales])
            for house, price, one in zip(self._houses, values[self._prices], found, strict=True)
            if not isinstance(one, Exception)
        ]
        splits = iter(await explain_each(self._models.price_all, explained, max_mixed=MAX_MIXED_FOR_SALE))
        return [one if isinstance(one, Exception) else next(splits) for one in found]


def sold_houses(house: AnyHouse, found: Comparables | Exception) -> Sequence[AnyHouse]:
    """Return the houses of the comparable sales, with the id of `house`, so that a canary treats them alike."""
    return [] if isinstance(found, Exception) else [with_id(sale.house, house.id) for sale in found.sales]


def sold_prices_of(
    found: PerHouse[Comparables], estimates: Iterator[PriceEstimate | Exception]
) -> PerHouse[Sequence[PriceEstimate]]:
    """Assign the prices of `sold_houses` to their houses; a house with a sale without a price gets its error."""
    prices: list[Sequence[PriceEstimate] | Exception] = []
    for one in found:
        if isinstance(one, Exception):
            prices.append(one)
            continue
        of_house = list(islice(estimates, len(one.sales)))
        errors = [estimate for estimate in of_house if isinstance(estimate, Exception)]
        prices.append(errors[0] if errors else of_house)  # type: ignore[arg-type]  # without errors all are estimates
    return prices
