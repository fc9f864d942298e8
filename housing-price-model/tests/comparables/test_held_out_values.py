"""The values that the measures are made of do not depend on the sale prices of their houses."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from housing_price_model.comparables.held_out_values import HeldOutValues, report, value_held_out
from housing_price_model.fitting.evaluate import CrossValidation, cross_validate
from housing_price_model.fitting.pipeline import ENCODER, Recipe
from housing_price_model.survey.data import Houses, read_houses

QUICK = Recipe(trees=10, spread_trees=5, folds=3)

type Valued = tuple[CrossValidation, HeldOutValues]


def valued(houses: Houses) -> Valued:
    values = ENCODER.encode(houses.features)
    validation = cross_validate(values, houses.prices, QUICK, 0, lambda _stage, _share: None)
    return validation, value_held_out(values, houses.prices, validation)


@pytest.fixture(scope="module")
def few(few_houses: Path) -> Houses:
    return read_houses(few_houses)


@pytest.fixture(scope="module")
def found(few: Houses) -> Valued:
    return valued(few)


def test_values_do_not_depend_on_the_sale_price_of_their_house(few: Houses, found: Valued) -> None:
    validation, before = found
    held_out = validation.folds[0].fit.held_out
    prices = few.prices.copy()
    prices[held_out] *= np.random.default_rng(0).uniform(0.2, 5, len(held_out))
    _, after = valued(replace(few, prices=prices))
    for first, second in ((before.values, after.values), (before.earlier, after.earlier)):
        for name in ("price", "low", "high"):
            np.testing.assert_array_equal(getattr(first, name)[held_out], getattr(second, name)[held_out])
    np.testing.assert_array_equal(before.comparables[held_out], after.comparables[held_out])
    assert [before.grades[row] for row in held_out] == [after.grades[row] for row in held_out]
    assert before.blend != after.blend, "the model that is served learns from all houses"


def test_first_sales_have_no_earlier_comparables(few: Houses, found: Valued) -> None:
    validation, held_out = found
    months = (few.features["YrSold"] * 12 + few.features["MoSold"]).to_numpy()
    first = np.flatnonzero(months == months.min())
    for name in ("price", "low", "high"):
        earlier, price = (getattr(one, name)[first] for one in (held_out.earlier, validation.estimates))
        assert earlier == pytest.approx(price)
    assert not np.allclose(held_out.earlier.price, held_out.values.price)
    assert not np.allclose(held_out.earlier.price, validation.estimates.price)


def test_intervals_contain_their_values(found: Valued) -> None:
    for one in (found[1].values, found[1].earlier):
        assert ((one.low > 0) & (one.low <= one.price) & (one.price <= one.high)).all()


def test_report_has_the_measures_of_price_comparables_and_value(few: Houses, found: Valued) -> None:
    validation, held_out = found
    measured = report(few.prices, validation.estimates, held_out)
    for name in ("price", "value", "value_earlier_sales"):
        assert {"rmsle", "mae_usd", "median_error", "coverage", "cod", "within_10"} <= measured[name].keys()
    assert {"rmsle", "mae_usd", "median_error", "cod", "prb", "within_10"} <= measured["comparables"].keys()
    assert "coverage" not in measured["comparables"], "the comparables alone have no interval"
    assert measured["value"]["rmsle"] == pytest.approx(
        np.sqrt(np.mean(np.log(held_out.values.price / few.prices) ** 2))
    )
    assert [one["grade"] for one in measured["confidence"]] == ["high", "medium", "low"]
    assert sum(one["houses"] for one in measured["confidence"]) == len(few)
    assert measured["blend"]["confidence"].keys() == {"high", "medium"}
