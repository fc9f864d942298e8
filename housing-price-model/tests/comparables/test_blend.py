"""The formula of the value, and what is learned for it from houses with known sale prices."""

import math
from dataclasses import replace

import numpy as np
import pytest

from housing_price_model.artefact.served_comparables import NO_SALE, Floats
from housing_price_model.comparables.blend import (
    DISTANCE_OFFSET,
    MAX_GRADED_DEVIATION,
    Blend,
    ConfidenceLimits,
    Evidence,
    adjusted,
    forecast_deviations,
    grades_of,
    learn_blend,
    values_of,
)
from housing_price_model.fitting.evaluate import Estimates

COUNT = 3000


def evidence(log_price: Floats, mean: Floats) -> Evidence:
    """Evidence with an interval of -0.2 to 0.3 and a deviation of 0.1, in logarithms."""
    below, above, deviation = (np.full(len(log_price), one) for one in (0.2, 0.3, 0.1))
    return Evidence(log_price, below, above, mean, deviation)


def drawn(price_error: float, mean_error: float, seed: int = 0) -> tuple[Floats, Evidence]:
    """Draw log sale prices, and evidence whose two parts have independent errors of these sizes."""
    random = np.random.default_rng(seed)
    actual = random.normal(12, 0.4, COUNT)
    price, mean = (actual + random.normal(0, error, COUNT) for error in (price_error, mean_error))
    return actual, evidence(price, mean)


def test_adjusted_prices_are_weighted_by_closeness() -> None:
    # Sold for 100 and 200, for a house that is worth twice the first and as much as the second.
    mean, deviation = adjusted(
        np.log([[100.0, 200.0]]), np.log([[2.0, 1.0]]), np.array([[0, 1]]), np.array([[0.0, DISTANCE_OFFSET]])
    )
    assert mean == pytest.approx(math.log(200))
    assert deviation == pytest.approx(0, abs=1e-7)
    mean, deviation = adjusted(
        np.array([[1.0, 4.0]]), np.zeros((1, 2)), np.array([[0, 1]]), np.array([[0.0, DISTANCE_OFFSET]])
    )
    # Weights 2 / 3 and 1 / 3.
    assert mean == pytest.approx(2.0)
    assert deviation == pytest.approx(math.sqrt((2 * 1 + 4) / 3))


def test_sales_that_do_not_exist_have_no_weight() -> None:
    mean, deviation = adjusted(
        np.array([[1.0, 99.0], [98.0, 99.0]]),
        np.zeros((2, 2)),
        np.array([[0, NO_SALE], [NO_SALE, NO_SALE]]),
        np.array([[0.5, np.inf], [np.inf, np.inf]]),
    )
    assert (mean[0], deviation[0]) == (1.0, 0.0)
    assert np.isnan(mean[1])


def test_value_follows_the_documented_formula() -> None:
    blend = Blend(weight=0.25, distance_offset=0.1, interval_scale=0.5, interval_spread=2.0)
    found = values_of(evidence(np.array([12.0]), np.array([12.4])), blend)
    center = 0.25 * 12.0 + 0.75 * 12.4
    assert found.price == pytest.approx(math.exp(center))
    assert found.low == pytest.approx(math.exp(center - 0.5 * 0.2 - 2.0 * 0.1))
    assert found.high == pytest.approx(math.exp(center + 0.5 * 0.3 + 2.0 * 0.1))


def test_house_without_comparables_has_its_price_and_its_interval() -> None:
    blend = Blend(weight=0.25, distance_offset=0.1, interval_scale=0.5, interval_spread=2.0)
    found = values_of(evidence(np.array([12.0]), np.array([np.nan])), blend)
    assert (found.price, found.low, found.high) == pytest.approx((math.exp(12), math.exp(11.8), math.exp(12.3)))


@pytest.mark.parametrize(("price_error", "mean_error", "weight"), [(0.1, 0.1, 0.5), (0.1, 0.2, 0.8), (0.2, 0.1, 0.2)])
def test_weight_is_that_of_the_smallest_error(price_error: float, mean_error: float, weight: float) -> None:
    # Two independent measurements are weighted by the inverse of their variances.
    assert learn_blend(*drawn(price_error, mean_error)).weight == pytest.approx(weight, abs=0.03)


def test_equal_parts_need_no_comparables() -> None:
    actual = np.linspace(11, 13, 100)
    assert learn_blend(actual, evidence(actual, actual)).weight == 1.0


def test_interval_covers_nine_of_ten_new_houses() -> None:
    blend = learn_blend(*drawn(0.1, 0.15))
    actual, others = drawn(0.1, 0.15, seed=1)
    values = values_of(others, blend)
    covered = np.mean((values.low <= np.exp(actual)) & (np.exp(actual) <= values.high))
    assert covered == pytest.approx(0.9, abs=0.015)


def test_houses_without_comparables_do_not_count() -> None:
    actual, known = drawn(0.1, 0.15)
    mean = known.mean.copy()
    mean[::2] = np.nan
    half = Evidence(*(part[1::2] for part in vars(known).values()))
    some = Evidence(known.log_price, known.below, known.above, mean, known.deviation)
    assert learn_blend(actual, some) == learn_blend(actual[1::2], half)


def test_grades_have_the_share_of_hits_that_they_promise() -> None:
    random = np.random.default_rng(3)
    # Within 10 %: 99 %, 79 % and 26 % of these houses.
    size = random.choice([0.04, 0.08, 0.3], COUNT) * random.uniform(0.95, 1.05, COUNT)
    actual = random.normal(12, 0.4, COUNT)
    price = actual + random.normal(0, size)
    known = Evidence(price, 1.645 * size, 1.645 * size, price.copy(), np.zeros(COUNT))
    limits = learn_blend(actual, known).confidence
    assert limits is not None
    values = values_of(known, learn_blend(actual, known))
    grades = np.array(grades_of(values, limits))
    hits = np.abs(np.exp(price - actual) - 1) <= 0.1
    assert 0.9 <= np.mean(hits[grades == "high"]) < 0.93
    assert 0.75 <= np.mean(hits[grades == "medium"]) < 0.79
    assert np.mean(hits[grades == "low"]) < 0.5


def test_grades_follow_the_forecast_standard_deviation() -> None:
    center = np.full(3, 100_000.0)
    half = 1.6448536 * np.array([0.05, 0.10, 0.20])
    values = Estimates(center, center * np.exp(-half), center * np.exp(half))
    assert forecast_deviations(values) == pytest.approx([0.05, 0.10, 0.20])
    assert grades_of(values, ConfidenceLimits(high=0.06, medium=0.11)) == ["high", "medium", "low"]


def test_vague_values_are_never_graded_high_or_medium_even_if_all_are_right() -> None:
    actual = np.random.default_rng(4).normal(12, 0.4, COUNT)
    deviation = np.linspace(0.5, 2.0, COUNT)
    known = Evidence(actual, 1.645 * deviation, 1.645 * deviation, actual.copy(), deviation)
    # The interval is that of the price.
    blend = learn_blend(actual, replace(known, deviation=np.zeros(COUNT)))
    assert blend.confidence is not None
    assert blend.confidence.high <= blend.confidence.medium <= MAX_GRADED_DEVIATION


def test_estimates_that_are_rarely_right_are_never_graded_high() -> None:
    blend = learn_blend(*drawn(0.5, 0.5))
    assert blend.confidence == ConfidenceLimits(0.0, 0.0)
