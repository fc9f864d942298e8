"""The value of a house from its price and adjusted sales."""

import math

import pytest

from housing_price_orchestrator.service.valuation.value import BlendedValue, adjusted_usd, blend_value, confidence_of
from housing_price_orchestrator.shared.ports import Blend, ConfidenceLimits, ModelIdentity, PriceEstimate

PRICE = PriceEstimate(200_000.0, 160_000.0, 240_000.0, ModelIdentity("housing-price", "1", "a"))
BLEND = Blend(weight=0.5, distance_offset=0.3, interval_scale=0.9, interval_spread=0.5)


def test_sale_price_is_adjusted_by_the_ratio_of_the_predicted_prices() -> None:
    assert adjusted_usd(150_000, predicted_usd=160_000, price_usd=200_000) == 187_500
    assert adjusted_usd(150_000, predicted_usd=160_000, price_usd=160_000) == 150_000


def test_value_is_the_weighted_mean_of_the_logarithms() -> None:
    # Distances 0.2 and 0.7 have the weights 2 and 1.
    value = blend_value(PRICE, [180_000.0, 240_000.0], [0.2, 0.7], BLEND)
    mean = (180_000**2 * 240_000) ** (1 / 3)
    assert value.comparables_usd == round(mean, 2)
    assert value.amount_usd == round(math.sqrt(200_000 * mean), 2)


def test_weights_of_the_sales_are_shares_of_the_mean_and_sum_to_1() -> None:
    prices, distances = [180_000.0, 240_000.0, 150_000.0], [0.2, 0.7, 1.2]
    value = blend_value(PRICE, prices, distances, BLEND)
    # Distances 0.2, 0.7 and 1.2 with the offset 0.3: 1/0.5, 1/1 and 1/1.5.
    assert value.sale_weights == pytest.approx([6 / 11, 3 / 11, 2 / 11], abs=1e-12)
    assert math.fsum(value.sale_weights) == pytest.approx(1, abs=1e-12)
    logs = [weight * math.log(price) for weight, price in zip(value.sale_weights, prices, strict=True)]
    assert value.comparables_usd == pytest.approx(math.exp(math.fsum(logs)), abs=0.01)


def test_a_lone_sale_has_the_whole_weight() -> None:
    assert blend_value(PRICE, [180_000.0], [3.0], BLEND).sale_weights == (1.0,)


def test_interval_widens_with_the_interval_of_the_price_and_with_the_spread_of_the_sales() -> None:
    value = blend_value(PRICE, [180_000.0, 240_000.0], [0.5, 0.5], BLEND)
    # Two equally weighted values: the standard deviation is half of their distance.
    spread = 0.5 * math.log(240 / 180) / 2
    center = math.sqrt(200_000 * math.sqrt(180_000 * 240_000))
    assert value.low_usd == round(center * math.exp(-0.9 * math.log(200 / 160) - spread), 2)
    assert value.high_usd == round(center * math.exp(0.9 * math.log(240 / 200) + spread), 2)


def test_sales_of_equal_adjusted_prices_add_no_spread() -> None:
    value = blend_value(PRICE, [200_000.0] * 6, [0.1 * rank for rank in range(6)], BLEND)
    assert (value.amount_usd, value.comparables_usd) == (200_000, 200_000)
    assert value.low_usd == pytest.approx(200_000 * (160 / 200) ** 0.9, abs=0.01)


@pytest.mark.parametrize(("weight", "expected"), [(1.0, 200_000), (0.0, 100_000)])
def test_weight_is_that_of_the_price(weight: float, expected: float) -> None:
    blend = Blend(weight=weight, distance_offset=0.3, interval_scale=1.0, interval_spread=0.0)
    assert blend_value(PRICE, [100_000.0], [3.0], blend).amount_usd == expected


@pytest.mark.parametrize(
    ("adjusted", "distances", "blend"),
    [
        ([1e308 * 10], [1.0], BLEND),
        ([1e-9], [1.0], Blend(0.0, 0.3, 0.9, 0.5)),
        ([0.0], [1.0], BLEND),
        ([0.004, 100_000.0, 100_000.0], [9.0, 0.0, 0.0], BLEND),
        ([100_000.0], [0.0], Blend(0.5, 0.0, 0.9, 0.5)),
        ([100_000.0], [1.0], Blend(0.5, 0.3, -0.9, 0.5)),
        ([100_000.0], [1.0], Blend(1e9, 0.3, 0.9, 0.5)),
        ([100_000.0, 200_000.0], [1.0, 1.0], Blend(0.5, 0.3, 0.9, 1e9)),
        ([], [], BLEND),
    ],
    ids=[
        *(
            "infinite sale",
            "value of no cent",
            "free sale",
            "one sale of no cent",
            "no distance and no offset",
            "negative interval",
        ),
        *("absurd weight", "absurd spread", "no sale"),
    ],
)
def test_numbers_that_make_no_value_are_refused(adjusted: list[float], distances: list[float], blend: Blend) -> None:
    with pytest.raises((ArithmeticError, ValueError)):
        blend_value(PRICE, adjusted, distances, blend)


@pytest.mark.parametrize(
    ("deviation", "grade"), [(0.05, "high"), (0.0799, "high"), (0.0801, "medium"), (0.1199, "medium"), (0.1201, "low")]
)
def test_grade_follows_from_the_relative_width_of_the_interval(deviation: float, grade: str) -> None:
    half = math.exp(1.6448536269514722 * deviation)
    value = BlendedValue(200_000, 200_000 / half, 200_000 * half, 200_000)
    assert confidence_of(value, ConfidenceLimits(high=0.08, medium=0.12)) == grade
    assert confidence_of(value, None) is None
