"""Estimates from a few facts, measured on held-out houses: the orchestrator's own code, with models of five folds.

`uv run pytest -n 0 -s tests/test_estimates_from_facts.py` prints the figures of docs/estimates.md.
"""

import asyncio
import math
import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from importlib import import_module
from os import process_cpu_count
from typing import Any

import numpy as np
import pandas as pd
import pytest
from threadpoolctl import threadpool_limits

with warnings.catch_warnings():
    # Importing MLflow warns about its own type hints; all later warnings are errors.
    warnings.simplefilter("ignore")
    import_module("mlflow.pyfunc")

from housing_price_model.artefact.served import Floats
from housing_price_model.comparables.distance import neighbours_of
from housing_price_model.fitting.calibration import Stretch
from housing_price_model.fitting.evaluate import Rows, split
from housing_price_model.fitting.intervals import Interval
from housing_price_model.fitting.pipeline import ENCODER, PriceFit, Recipe
from housing_price_model.survey.data import BUNDLED, Houses, read_houses
from housing_price_orchestrator.provider.model_server.columns import COLUMN_OF_FIELD, row_of
from housing_price_orchestrator.service.estimate.estimates import Estimates
from housing_price_orchestrator.service.pricing import Pricing
from housing_price_orchestrator.service.resilience.coalescing import CoalescingModel
from housing_price_orchestrator.shared.ports import (
    Blend,
    Comparables,
    ComparableSale,
    ComparablesQuestion,
    ModelIdentity,
    PriceEstimate,
)
from housing_price_orchestrator.shared.view.estimate import REQUIRED_FACTS
from housing_price_orchestrator.shared.view.record import AnyHouse, house_with_gaps
from housing_price_survey.columns import COLUMNS

pytestmark = [pytest.mark.full, pytest.mark.timeout(900)]

EIGHT_FACTS = (*REQUIRED_FACTS, "lot_area", "total_bsmt_sf", "garage_cars", "full_bath")
RECIPE, SEED = Recipe(), 0
MODEL = ModelIdentity("fold", "1", "fold")
BLEND = Blend(0.5, 0.3, 1.0, 1.0)

type Row = dict[str, Any]
type Fold = tuple["FoldPrices", "FoldComparables", list[int]]


class FoldPrices:
    """Prices houses with a model and an interval that were fitted and calibrated on some of the sold houses."""

    def __init__(self, values: Floats, log_prices: Floats, pool: ThreadPoolExecutor) -> None:
        def fit(rows: Rows) -> PriceFit:
            return PriceFit.fit(values[rows], log_prices[rows], RECIPE, SEED)

        inner = split(len(values), RECIPE.folds, SEED)
        own, *fits = pool.map(fit, [np.arange(len(values)), *(fitted for fitted, _ in inner)])
        raw = np.empty(len(values))
        for one, (_, held_out) in zip(fits, inner, strict=True):
            raw[held_out] = one.predict(values[held_out])
        stretch = Stretch.fit(log_prices, raw)
        self._fit = replace(own, stretch=stretch)
        self._interval = Interval.fit(values, log_prices - stretch.apply(raw), RECIPE, SEED)

    async def answer(self, houses: Sequence[AnyHouse], /) -> Sequence[PriceEstimate]:
        values = ENCODER.encode(pd.DataFrame([row_of(house) for house in houses], columns=COLUMNS))
        center = self._fit.predict(values)
        low, high = self._interval.bounds(values, center)
        prices = np.exp([center, low, high]).T.tolist()
        return [PriceEstimate(price, lowest, highest, MODEL) for price, lowest, highest in prices]


class FoldComparables:
    """Finds comparable sales among some of the houses. The id of a house is its row number, from 1."""

    def __init__(self, houses: Houses, values: Floats, rows: Sequence[Row], sold: Rows) -> None:
        self._neighbours = neighbours_of(values[sold])
        self._houses = houses
        self._values = values
        self._rows = rows
        self._sold = sold

    async def answer(self, questions: Sequence[ComparablesQuestion], /) -> Sequence[Comparables]:
        return [self._answer(question) for question in questions]

    def _answer(self, question: ComparablesQuestion) -> Comparables:
        known = [COLUMN_OF_FIELD[name] for name in question.known]
        places = [COLUMNS.index(name) for name in known]
        values = np.full((1, len(COLUMNS)), np.nan)
        values[0, places] = self._values[question.house.id - 1, places]
        (positions,), (distances,) = self._neighbours.nearest(values, question.k, known)
        sales = zip(self._sold[positions].tolist(), distances.tolist(), strict=True)
        return Comparables(tuple(self._sale(at, distance) for at, distance in sales), BLEND, MODEL)

    def _sale(self, at: int, distance: float) -> ComparableSale:
        row = self._rows[at]
        return ComparableSale(
            id=at + 1,
            pid=None,
            price_usd=float(self._houses.prices[at]),
            year_sold=row["yr_sold"],
            month_sold=row["mo_sold"],
            condition=row["sale_condition"],
            distance=distance,
            house=house_with_gaps(at + 1, row),
        )


@dataclass(frozen=True)
class HeldOut:
    """Held-out estimates in US dollars, beside the sale prices."""

    actual: Floats
    amount: Floats
    low: Floats
    high: Floats

    @property
    def coverage(self) -> float:
        return float(np.mean((self.low <= self.actual) & (self.actual <= self.high)))

    @property
    def rmsle(self) -> float:
        return float(np.sqrt(np.mean(np.log(self.amount / self.actual) ** 2)))

    @property
    def median_error(self) -> float:
        return float(np.median(np.abs(self.amount / self.actual - 1)))

    @property
    def median_width(self) -> float:
        return float(np.median((self.high - self.low) / self.amount))


@pytest.fixture(scope="module")
def houses() -> Houses:
    return read_houses(BUNDLED)


@pytest.fixture(scope="module")
def rows(houses: Houses) -> list[Row]:
    cells = houses.features.astype(object)
    values = cells.where(cells.notna(), None).to_numpy().tolist()
    return [dict(zip(COLUMN_OF_FIELD, map(_as_sent, row), strict=True)) for row in values]


def _as_sent(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


@pytest.fixture(scope="module")
def folds(houses: Houses, rows: list[Row]) -> list[Fold]:
    """For each fold the models of the other folds, and the houses of the fold."""
    values, found = ENCODER.encode(houses.features), []
    with threadpool_limits(1), ThreadPoolExecutor(process_cpu_count() or 1) as pool:
        for train, held_out in split(len(values), 5, SEED):
            prices = FoldPrices(values[train], np.log(houses.prices[train]), pool)
            found.append((prices, FoldComparables(houses, values, rows, train), held_out.tolist()))
    return found


async def estimates_of(
    fold: Fold, facts: Sequence[str], houses: Houses, rows: Sequence[Row]
) -> list[tuple[float, float, float, float]]:
    prices, comparables, held_out = fold
    # The prices of many houses are computed together.
    together = CoalescingModel(prices, max_rows=100_000, max_calls=2)
    estimates = Estimates(Pricing(together), comparables, deadline_seconds=math.inf)
    tasks = [estimates.estimate(at + 1, {name: rows[at][name] for name in facts}) for at in held_out]
    found = [one.price for one in await asyncio.gather(*tasks)]
    sold_for = [float(houses.prices[at]) for at in held_out]
    return [(usd, one.amount_usd, one.low_usd, one.high_usd) for usd, one in zip(sold_for, found, strict=True)]


def measure(facts: Sequence[str], houses: Houses, rows: Sequence[Row], folds: Sequence[Fold]) -> HeldOut:
    with threadpool_limits(1):
        found = [one for fold in folds for one in asyncio.run(estimates_of(fold, facts, houses, rows))]
    held_out = HeldOut(*np.array(found).T)
    print(
        f"\n{len(facts)} facts, {len(held_out.actual)} houses: RMSLE {held_out.rmsle:.3f}, median error "
        f"{held_out.median_error:.1%}, coverage {held_out.coverage:.1%}, median width {held_out.median_width:.0%}"
    )
    return held_out


def test_the_interval_covers_the_sale_price_of_held_out_houses(
    houses: Houses, rows: list[Row], folds: list[Fold]
) -> None:
    eight = measure(EIGHT_FACTS, houses, rows, folds)
    assert 0.86 <= eight.coverage <= 0.94
    assert eight.rmsle <= 0.155
    four = measure(REQUIRED_FACTS, houses, rows, folds)
    assert 0.86 <= four.coverage <= 0.94
    assert four.rmsle > eight.rmsle
    assert four.median_width > eight.median_width
