"""A value is the same in the orchestrator and in the evaluation of `housing_price_model`."""

import math
import warnings
from importlib import import_module
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from housing_price_orchestrator.service.valuation.value import BlendedValue, adjusted_usd, blend_value, confidence_of
from housing_price_orchestrator.shared.ports import Blend, ConfidenceLimits, ModelIdentity, PriceEstimate

with warnings.catch_warnings():
    # MLflow warns about its own type hints when it is imported; later warnings are errors.
    warnings.simplefilter("ignore")
    evaluated: Any = import_module("housing_price_model.comparables.blend")

CENT = 0.01
AMOUNTS = st.floats(20_000, 800_000)
SALES = st.lists(st.tuples(AMOUNTS, AMOUNTS, st.floats(0, 5)), min_size=1, max_size=8)
"""Sale price, predicted price and distance of each sale."""

BLENDS = st.builds(
    evaluated.Blend,
    weight=st.floats(0, 1),
    distance_offset=st.just(evaluated.DISTANCE_OFFSET),
    interval_scale=st.floats(0, 2),
    interval_spread=st.floats(0, 2),
)


def blend_of(blend: Any) -> Blend:
    return Blend(blend.weight, blend.distance_offset, blend.interval_scale, blend.interval_spread)


@given(price=AMOUNTS, below=st.floats(0.01, 0.5), above=st.floats(0.01, 0.5), sales=SALES, blend=BLENDS)
def test_value_and_interval_are_those_of_the_evaluation(
    price: float, below: float, above: float, sales: list[tuple[float, float, float]], blend: Any
) -> None:
    estimate = PriceEstimate(
        price, price * math.exp(-below), price * math.exp(above), ModelIdentity("housing-price", "1", "a")
    )
    distances = [distance for _, _, distance in sales]
    adjusted = [adjusted_usd(sold, predicted, price) for sold, predicted, _ in sales]
    value = blend_value(estimate, adjusted, distances, blend_of(blend))

    mean, deviation = evaluated.adjusted(
        np.log([[sold for sold, _, _ in sales]]),
        np.log([[price / predicted for _, predicted, _ in sales]]),
        np.arange(len(sales))[np.newaxis],
        np.array([distances]),
    )
    log_price = np.log([price])
    evidence = evaluated.Evidence(log_price, np.array([below]), np.array([above]), mean, deviation)
    expected = evaluated.values_of(evidence, blend)
    assert value.amount_usd == pytest.approx(expected.price[0], rel=1e-9, abs=CENT)
    assert value.low_usd == pytest.approx(expected.low[0], rel=1e-9, abs=CENT)
    assert value.high_usd == pytest.approx(expected.high[0], rel=1e-9, abs=CENT)
    assert value.comparables_usd == pytest.approx(math.exp(mean[0]), rel=1e-9, abs=CENT)


@given(st.lists(st.tuples(AMOUNTS, st.floats(0, 0.6)), min_size=1), st.floats(0.01, 0.2), st.floats(0.01, 0.2))
def test_grades_are_those_of_the_evaluation(values: list[tuple[float, float]], high: float, medium: float) -> None:
    price, half = np.array([one[0] for one in values]), np.array([one[1] for one in values])
    estimates = evaluated.Estimates(price, price * np.exp(-half), price * np.exp(half))
    grades = [
        confidence_of(BlendedValue(*amounts, amounts[0]), ConfidenceLimits(high, medium))
        for amounts in zip(*(part.tolist() for part in (price, estimates.low, estimates.high)), strict=True)
    ]
    assert grades == evaluated.grades_of(estimates, evaluated.ConfidenceLimits(high, medium))
