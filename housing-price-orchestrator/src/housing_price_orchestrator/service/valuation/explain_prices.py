"""Prices the mixed houses of explanations, a few houses at a time, and splits the differences of their prices."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import batched, chain, islice
from typing import Final

from housing_price_orchestrator.service.answer_each import AnswerAll, answer_each
from housing_price_orchestrator.service.resilience.price_memory import price_memory_bypassed
from housing_price_orchestrator.service.valuation.explanation import Comparison, GroupDifference, compare
from housing_price_orchestrator.service.valuation.value import adjusted_usd
from housing_price_orchestrator.shared.deadline import current_deadline, deadline_at
from housing_price_orchestrator.shared.errors import DeadlineExceeded, HousingPriceError, PriceImplausible
from housing_price_orchestrator.shared.ports import PriceEstimate
from housing_price_orchestrator.shared.view.record import AnyHouse, with_id

ROWS_AT_A_TIME: Final = 500
"""Rows that are mixed and priced at a time, for at least one house. Mixing them takes about 2 ms."""

RESERVED_SECONDS: Final = 0.05
"""Explanations end this long before the deadline, and keep the houses that are explained by then."""


@dataclass(frozen=True, slots=True)
class StartHouse:
    """A house with which a house is compared."""

    house: AnyHouse
    sale_usd: float | None = None
    """The price paid for it; then its adjustment is split, and otherwise the difference of the predicted prices."""


@dataclass(frozen=True, slots=True)
class SplitDifference:
    """The difference between a start house and a house, in US dollars."""

    start_usd: float
    """The predicted price of the start house."""
    differences: Sequence[GroupDifference]


@dataclass(frozen=True, slots=True)
class ExplainedHouse:
    """A house to explain, its price, and the houses with which it is compared."""

    house: AnyHouse
    price: PriceEstimate
    starts: Sequence[StartHouse]


async def explain_each(
    price_all: AnswerAll[AnyHouse, PriceEstimate], houses: Sequence[ExplainedHouse], *, max_mixed: int
) -> Sequence[Sequence[SplitDifference] | HousingPriceError]:
    """Split the differences between each house and its start houses; returns a list of splits or an error for each.

    Few rows are priced at a time, so that other large requests get their turns. At the deadline the houses that are not
    explained yet get `DeadlineExceeded`.

    Args:
        price_all: prices rows, like `Model.answer`.
        houses: the houses to explain, each with as many start houses.
        max_mixed: most rows per start house; see `compare`.
    """
    if not houses:
        return []
    deadline = current_deadline.get()
    end = float("inf") if deadline is None else deadline - RESERVED_SECONDS
    rows_per_house = len(houses[0].starts) * (max_mixed + 1)
    results: list[Sequence[SplitDifference] | HousingPriceError] = []
    with deadline_at(end):
        for some in batched(houses, max(1, ROWS_AT_A_TIME // rows_per_house), strict=False):
            if time.monotonic() >= end:
                results += [DeadlineExceeded("the time for explanations is over")] * len(some)
            else:
                results += await _explain_some(price_all, some, max_mixed)
    return results


async def _explain_some(
    price_all: AnswerAll[AnyHouse, PriceEstimate], houses: Sequence[ExplainedHouse], max_mixed: int
) -> Sequence[Sequence[SplitDifference] | HousingPriceError]:
    comparisons = [[compare(start.house, one.house, max_mixed=max_mixed) for start in one.starts] for one in houses]
    rows = [
        row
        for one, of_house in zip(houses, comparisons, strict=True)
        for start, comparison in zip(one.starts, of_house, strict=True)
        for row in chain((with_id(start.house, one.house.id),), comparison.mixed)
    ]
    with price_memory_bypassed():
        estimates = iter(await answer_each(price_all, rows))
    results: list[Sequence[SplitDifference] | HousingPriceError] = []
    for one, of_house in zip(houses, comparisons, strict=True):
        own = [list(islice(estimates, 1 + len(comparison.mixed))) for comparison in of_house]
        try:
            results.append(_splits(one, of_house, own))
        except HousingPriceError as error:
            results.append(error)
    return results


def _splits(
    explained: ExplainedHouse,
    comparisons: Sequence[Comparison],
    estimates: Sequence[Sequence[PriceEstimate | HousingPriceError]],
) -> Sequence[SplitDifference]:
    """Split the difference of each start house; raises the error of the first row without a usable price."""
    splits = []
    for start, comparison, of_start in zip(explained.starts, comparisons, estimates, strict=True):
        at_start, *mixed = map(_priced, of_start)
        amounts: dict[str, float] = {}
        if start.sale_usd is not None:
            adjusted = adjusted_usd(start.sale_usd, at_start.price_usd, explained.price.price_usd)
            amounts = {"from_usd": start.sale_usd, "to_usd": adjusted}
        try:
            differences = comparison.split(at_start, explained.price, mixed, **amounts)
        except (ArithmeticError, ValueError) as error:
            raise PriceImplausible(f"no explanation follows from the prices: {error}", (None,)) from error
        splits.append(SplitDifference(at_start.price_usd, differences))
    return splits


def _priced(estimate: PriceEstimate | HousingPriceError) -> PriceEstimate:
    if isinstance(estimate, HousingPriceError):
        raise estimate
    return estimate
