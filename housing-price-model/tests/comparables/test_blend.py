"""What is learned for the value, on held-out estimates with known errors."""

import numpy as np
import pytest

from housing_price_model.artefact.served_comparables import DEFAULT_K, Floats
from housing_price_model.comparables.blend import DISTANCE_OFFSET, FittedBlend, fit_blend
from housing_price_model.comparables.distance import neighbours_of
from housing_price_model.fitting.evaluate import Estimates
from housing_price_model.fitting.pipeline import ENCODER
from housing_price_model.survey.data import Houses


@pytest.fixture(scope="module")
def values(houses: Houses) -> Floats:
    return ENCODER.encode(houses.features)


def fitted(values: Floats, prices: Floats, errors: Floats, half_width: float = 0.2) -> FittedBlend:
    """Fit on estimates with these errors of the log price, and intervals of one width."""
    estimates = prices * np.exp(errors)
    return fit_blend(
        values, prices, Estimates(estimates, estimates * np.exp(-half_width), estimates * np.exp(half_width))
    )


def test_errors_without_a_pattern_leave_the_price_alone(values: Floats, houses: Houses) -> None:
    errors = np.random.default_rng(0).normal(0, 0.1, len(houses))
    found = fitted(values, houses.prices, errors)
    # A mean of independent errors of others says nothing about the house.
    assert found.blend.weight > 0.9


def test_errors_of_whole_neighbourhoods_are_learned_from_the_comparables(values: Floats, houses: Houses) -> None:
    rng = np.random.default_rng(0)
    neighbourhoods = houses.features["Neighborhood"].astype("category").cat.codes.to_numpy()
    errors = rng.normal(0, 0.15, 28)[neighbourhoods] + rng.normal(0, 0.05, len(houses))
    found = fitted(values, houses.prices, errors)
    assert found.blend.weight < 0.3
    assert found.metrics["rmsle"] < 0.7 * np.sqrt(np.mean(errors**2))


def test_interval_covers_nine_of_ten_sale_prices(values: Floats, houses: Houses) -> None:
    errors = np.random.default_rng(0).standard_t(4, len(houses)) * 0.08
    for half_width in (0.01, 0.2, 1.0):
        found = fitted(values, houses.prices, errors, half_width)
        assert found.metrics["coverage"] == pytest.approx(0.9, abs=0.002)
        assert found.blend.interval_scale >= 0


def test_equal_errors_need_no_comparables(values: Floats, houses: Houses) -> None:
    found = fitted(values, houses.prices, np.zeros(len(houses)))
    assert (found.blend.weight, found.blend.interval_scale, found.blend.distance_offset) == (1.0, 0.0, DISTANCE_OFFSET)
    assert found.metrics["rmsle"] < 1e-9


def test_value_follows_the_documented_formula(values: Floats, houses: Houses) -> None:
    errors = np.random.default_rng(1).normal(0, 0.1, len(houses))
    found = fitted(values, houses.prices, errors)
    positions, distances = neighbours_of(values).nearest(values, DEFAULT_K)
    estimates = houses.prices * np.exp(errors)
    weight, squares = found.blend.weight, []
    for house, (sales, away) in enumerate(zip(positions, distances, strict=True)):
        adjusted = houses.prices[sales] * estimates[house] / estimates[sales]
        mean = np.average(np.log(adjusted), weights=1 / (away + DISTANCE_OFFSET))
        value = np.exp(weight * np.log(estimates[house]) + (1 - weight) * mean)
        squares.append(np.log(value / houses.prices[house]) ** 2)
    assert found.metrics["rmsle"] == pytest.approx(np.sqrt(np.mean(squares)), rel=1e-9)
