"""The estimate is the median of the prices, and its interval covers their spread and the model's own error."""

import math

import pytest

from housing_price_orchestrator.service.estimate.estimated_price import estimate_price
from housing_price_orchestrator.shared.ports import ModelIdentity, PriceEstimate

MODEL = ModelIdentity("housing-price", "1", "abc")


def a_price(usd: float, below: float = 0.9, above: float = 1.2) -> PriceEstimate:
    return PriceEstimate(usd, below * usd, above * usd, MODEL)


def test_equal_prices_keep_price_and_interval_of_the_model() -> None:
    estimate = estimate_price([a_price(100_000)] * 20)
    assert (estimate.amount_usd, estimate.low_usd, estimate.high_usd) == (100_000, 90_000, 120_000)


def test_the_estimate_is_the_median_in_logarithms() -> None:
    prices = [a_price(usd) for usd in (50_000, 100_000, 400_000, 900_000)]
    assert estimate_price(prices).amount_usd == 200_000


def test_the_spread_of_the_prices_widens_the_interval_on_both_sides() -> None:
    narrow = estimate_price([a_price(99_000), a_price(100_000), a_price(101_000)])
    wide = estimate_price([a_price(80_000), a_price(100_000), a_price(125_000)])
    assert wide.low_usd < narrow.low_usd < 90_000
    assert wide.high_usd > narrow.high_usd > 120_000


def test_spread_and_error_of_the_model_add_up_as_squares() -> None:
    # Two prices that differ from their mean by 0.1 in logarithms, and a model without any error.
    exact = estimate_price([a_price(math.exp(11.9), 1, 1), a_price(math.exp(12.1), 1, 1)])
    spread = math.log(exact.high_usd / exact.amount_usd)
    assert spread == pytest.approx(1.2 * 1.6449 * 0.1, rel=1e-4)
    both = estimate_price([a_price(math.exp(11.9)), a_price(math.exp(12.1))])
    assert math.log(both.high_usd / both.amount_usd) == pytest.approx(math.hypot(spread, math.log(1.2)), rel=1e-4)
    assert math.log(both.amount_usd / both.low_usd) == pytest.approx(math.hypot(spread, -math.log(0.9)), rel=1e-4)


IMPLAUSIBLE = {
    "far apart": [a_price(1e-300), a_price(1e300)],
    "below a cent": [a_price(0.001)] * 20,
    "with an interval beyond all": [PriceEstimate(1e5, 1e5, 1e308, MODEL), PriceEstimate(1e305, 1e5, 1e308, MODEL)],
    "with an interval that begins at nothing": [PriceEstimate(1e5, 5e-324, 2e5, MODEL)],
}


@pytest.mark.parametrize("name", IMPLAUSIBLE)
def test_no_estimate_follows_from_prices_that_are_not_plausible(name: str) -> None:
    with pytest.raises((ArithmeticError, ValueError)):
        estimate_price(IMPLAUSIBLE[name])
