"""The API's value of a house is the value that training measures: one formula in two packages, compared on numbers."""

import warnings
from dataclasses import asdict
from importlib import import_module

import numpy as np
import pytest

with warnings.catch_warnings():
    # Importing MLflow warns about its own type hints; all later warnings are errors.
    warnings.simplefilter("ignore")
    import_module("mlflow.pyfunc")

from housing_price_model.comparables.blend import (
    DISTANCE_OFFSET,
    Blend,
    ConfidenceLimits,
    Evidence,
    adjusted,
    grades_of,
    values_of,
)
from housing_price_orchestrator.service.valuation.value import adjusted_usd, blend_value, confidence_of
from housing_price_orchestrator.shared import ports

MODEL = ports.ModelIdentity("housing-price", "1", "0" * 16)


@pytest.mark.parametrize("sales", [1, 3, 6])
def test_the_api_and_training_compute_the_same_values_and_grades(sales: int) -> None:
    random, count = np.random.default_rng(sales), 200
    price = random.lognormal(12, 0.4, count)
    low, high = price * random.uniform(0.6, 0.99, count), price * random.uniform(1.01, 1.8, count)
    sold_for, predicted = random.lognormal(12, 0.4, (count, sales)), random.lognormal(12, 0.4, (count, sales))
    distances = np.sort(random.uniform(0, 5, (count, sales)), axis=1)
    blend = Blend(0.37, DISTANCE_OFFSET, 0.86, 0.25, ConfidenceLimits(high=0.12, medium=0.2))

    ratios = np.log(price)[:, np.newaxis] - np.log(predicted)
    mean, deviation = adjusted(np.log(sold_for), ratios, np.zeros((count, sales), dtype=np.int64), distances)
    evidence = Evidence(np.log(price), np.log(price / low), np.log(high / price), mean, deviation)
    ours = values_of(evidence, blend)
    assert blend.confidence is not None
    grades = grades_of(ours, blend.confidence)
    assert set(grades) == {"high", "medium", "low"}

    limits = ports.ConfidenceLimits(**asdict(blend.confidence))
    parameters = ports.Blend(**asdict(blend) | {"confidence": limits})
    for row in range(count):
        estimate = ports.PriceEstimate(float(price[row]), float(low[row]), float(high[row]), MODEL)
        prices = [
            adjusted_usd(float(sale), float(own), estimate.price_usd)
            for sale, own in zip(sold_for[row], predicted[row], strict=True)
        ]
        theirs = blend_value(estimate, prices, distances[row].tolist(), parameters)
        assert theirs.amount_usd == pytest.approx(ours.price[row], abs=0.01)
        assert theirs.low_usd == pytest.approx(ours.low[row], abs=0.01)
        assert theirs.high_usd == pytest.approx(ours.high[row], abs=0.01)
        assert theirs.comparables_usd == pytest.approx(float(np.exp(mean[row])), abs=0.01)
        assert confidence_of(theirs, limits) == grades[row]
