from pathlib import Path

import numpy as np
import pytest
from mlflow.models import Model
from sklearn.model_selection import KFold

from housing_price_model.artefact.export import MODEL
from housing_price_model.fitting.evaluate import Estimates, cross_validate, metrics
from housing_price_model.fitting.pipeline import ENCODER, Recipe
from housing_price_model.survey.data import Houses, read_houses

QUICK = Recipe(trees=10, spread_trees=5, folds=3)


def test_served_model_meets_its_targets(champion: Path, houses: Houses) -> None:
    metadata = Model.load(str(champion / MODEL)).metadata
    assert metadata is not None
    assert metadata["data_sha256"] == houses.digest
    assert metadata["seed"] == 0
    measured = metadata["cross_validation"]
    assert measured["rmsle"] <= 0.119
    assert measured["mae_usd"] <= 12_900
    assert 0.88 <= measured["coverage"] <= 0.92
    assert measured["median_width_usd"] < measured["constant_width_usd"]
    assert measured["median_width_usd"] < measured["constant_ratio_median_width_usd"]
    assert -0.04 <= measured["prb"] <= 0.04
    assert 0.98 <= measured["prd"] <= 1.03
    assert 5 <= measured["cod"] <= 8


def test_served_value_meets_its_targets(champion: Path) -> None:
    metadata = Model.load(str(champion / MODEL)).metadata
    assert metadata is not None
    measured = metadata["cross_validation"]
    # The targets are 0.1140 and 12,300 USD; another kind of processor gives slightly other trees.
    assert measured["value_rmsle"] <= min(0.115, measured["rmsle"])
    assert measured["value_mae_usd"] <= min(12_500, measured["mae_usd"])
    assert 0.88 <= measured["value_coverage"] <= 0.92
    assert measured["value_median_width_usd"] <= measured["median_width_usd"]
    assert measured["value_cod"] <= measured["cod"]
    assert abs(measured["value_prb"]) <= 0.04
    assert measured["value_within_10"] >= measured["within_10"] - 0.005


def test_metrics_match_their_definitions() -> None:
    actual = np.array([100.0, 200.0, 400.0, 800.0])
    price = np.array([110.0, 200.0, 400.0, 700.0])
    measured = metrics(actual, Estimates(price, price - 20, price + 20))
    assert measured["rmsle"] == pytest.approx(np.sqrt((np.log(1.1) ** 2 + np.log(7 / 8) ** 2) / 4))
    assert measured["rmse_usd"] == pytest.approx(np.sqrt((10**2 + 100**2) / 4))
    assert measured["mae_usd"] == pytest.approx(110 / 4)
    assert measured["coverage"] == 0.75
    assert measured["median_width_usd"] == 40


def test_constant_widths_cover_as_many_houses_as_the_interval() -> None:
    random = np.random.default_rng(0)
    actual = random.lognormal(12, 0.4, 1000)
    price = actual * random.lognormal(0, 0.1, 1000)
    measured = metrics(actual, Estimates(price, price * 0.85, price * 1.2))
    half = measured["constant_width_usd"] / 2
    assert np.mean(np.abs(price - actual) <= half + 1e-6) == pytest.approx(measured["coverage"], abs=0.002)


def test_held_out_estimates_do_not_depend_on_the_price_of_their_house(few_houses: Path) -> None:
    houses = read_houses(few_houses)
    values = ENCODER.encode(houses.features)
    held_out = next(KFold(QUICK.folds, shuffle=True, random_state=0).split(values))[1]
    other_prices = houses.prices.copy()
    other_prices[held_out] *= np.random.default_rng(0).uniform(0.2, 5, len(held_out))
    found = [
        cross_validate(values, prices, QUICK, 0, lambda _stage, _share: None).estimates
        for prices in (houses.prices, other_prices)
    ]
    for name in ("price", "low", "high"):
        before, after = (getattr(estimates, name)[held_out] for estimates in found)
        np.testing.assert_array_equal(before, after)


def test_progress_rises_to_one(few_houses: Path) -> None:
    houses = read_houses(few_houses)
    shares: list[float] = []
    cross_validate(ENCODER.encode(houses.features), houses.prices, QUICK, 0, lambda _stage, share: shares.append(share))
    assert shares == sorted(shares)
    assert shares[-1] == 1
