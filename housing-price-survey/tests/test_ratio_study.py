import math
from dataclasses import astuple
from random import Random
from statistics import NormalDist

import pytest

from housing_price_survey.ratio_study import (
    MIN_SALES,
    Measured,
    coefficient_of_dispersion,
    median_ratio,
    price_related_bias,
    ratio_study,
    share_within,
    value_proxies,
)


def test_five_sales_by_hand() -> None:
    # Ratios 0.80, 0.90, 1.00, 1.10, 1.20.
    estimates, prices = [80.0, 90.0, 100.0, 110.0, 120.0], [100.0] * 5
    study = ratio_study(estimates, prices)
    assert study.sales == 5
    assert study.median_ratio == Measured(1.0)
    assert study.cod.value == pytest.approx(12.0)  # deviations 0.2 0.1 0 0.1 0.2, mean 0.12
    assert study.prd.value == pytest.approx(1.0)  # equal prices: the weighted mean is the mean
    assert (study.within_5, study.within_10, study.within_20) == (0.2, 0.6, 1.0)
    assert study.forecast_standard_deviation == pytest.approx(math.sqrt(0.10 / 4))


def test_the_prd_and_prb_of_regressive_estimates_by_hand() -> None:
    # Ratios 1.2, 1.0, 0.8: the dear houses are estimated too low.
    estimates, prices = [120.0, 200.0, 320.0], [100.0, 200.0, 400.0]
    study = ratio_study(estimates, prices)
    # Mean ratio 1.0; weighted mean 640 / 700.
    assert study.prd.value == pytest.approx(700 / 640)
    # Median 1.0, so values are 110, 200 and 360; differences are 0.2, 0 and -0.2.
    assert value_proxies(estimates, prices) == pytest.approx([110, 200, 360])
    # log2 of the values: 6.78136, 7.64386, 8.49185; mean 7.63902; squares 0.735580 + 0.0000234 + 0.727321 = 1.462924;
    # products 0.2 x -0.857660 - 0.2 x 0.852830 = -0.342098.
    assert study.prb is not None
    assert study.prb.value == pytest.approx(-0.342098 / 1.462924, abs=1e-5)


def test_proportional_estimates_have_no_bias() -> None:
    prices = [100_000.0 * (1 + i) for i in range(20)]
    study = ratio_study([0.9 * price for price in prices], prices)
    assert astuple(study.median_ratio) == pytest.approx((0.9, 0.9, 0.9))
    assert study.cod.value == pytest.approx(0)
    assert study.prd.value == pytest.approx(1)
    assert study.prb is not None
    assert study.prb.value == pytest.approx(0)


@pytest.mark.parametrize(
    ("count", "low", "high"),
    # Tables of binomial confidence intervals for the median give these ranks for at least 95 %.
    [(10, 2, 9), (11, 2, 10), (14, 3, 12), (20, 6, 15), (100, 40, 61)],
)
def test_the_interval_of_the_median_is_made_of_order_statistics(count: int, low: int, high: int) -> None:
    found = median_ratio([float(rank) for rank in range(1, count + 1)])
    assert found == Measured((count + 1) / 2, low, high)


def test_the_interval_of_the_cod_is_that_of_bonett_and_seier() -> None:
    # The example of `ci.cod` in the R package statpsych: 0.5921053, from 0.3813259 to 1.092679.
    scores = [30, 20, 15, 10, 10, 60, 20, 25, 20, 30, 10, 5, 50, 40, 20, 10, 0, 20, 50]
    found = coefficient_of_dispersion([float(score) for score in scores])
    assert found.value == pytest.approx(59.21053, abs=1e-5)
    assert found.low == pytest.approx(38.13259, abs=1e-5)
    assert found.high == pytest.approx(109.2679, abs=1e-4)


def test_the_interval_of_the_prb_is_that_of_the_slope() -> None:
    # Ratios alternate by 0.1 around 1, and values double from pair to pair: slope 0 but for the proxies.
    prices = [2.0**power for power in range(5) for _ in (0, 1)]
    estimates = [price * (1.1 if i % 2 else 0.9) for i, price in enumerate(prices)]
    found = price_related_bias(estimates, prices)
    assert found is not None
    # scipy.stats.linregress on log2((price + estimate) / 2) and the ratio minus 1, with t(0.975, 8) = 2.306.
    xs = [math.log2((p + e) / 2) for p, e in zip(prices, estimates, strict=True)]
    ys = [e / p - 1 for p, e in zip(prices, estimates, strict=True)]
    mean = sum(xs) / 10
    squares = sum((x - mean) ** 2 for x in xs)
    slope = sum((x - mean) * y for x, y in zip(xs, ys, strict=True)) / squares
    rest = sum((y - sum(ys) / 10 - slope * (x - mean)) ** 2 for x, y in zip(xs, ys, strict=True))
    half = 2.306 * math.sqrt(rest / 8 / squares)
    assert astuple(found) == pytest.approx((slope, slope - half, slope + half), abs=1e-5)


def test_the_intervals_cover_the_true_values_about_as_often_as_they_say() -> None:
    random, rounds, covered = Random(17), 400, {"median": 0, "cod": 0, "prd": 0, "prb": 0}
    # Ratios 1 + 0.1 x normal, independent of the price: COD is 100 x 0.1 x sqrt(2 / pi); PRD 1; PRB nearly 0.
    truth = 10 * math.sqrt(2 / math.pi)
    for _ in range(rounds):
        prices = [math.exp(random.gauss(12, 0.4)) for _ in range(60)]
        estimates = [price * (1 + random.gauss(0, 0.1)) for price in prices]
        study = ratio_study(estimates, prices)
        assert study.prb is not None
        for name, measure, value in (
            ("median", study.median_ratio, 1),
            ("cod", study.cod, truth),
            ("prd", study.prd, 1),
            # The estimate is half of the proxy, so its error makes a small bias: variance 0.01 / 2 over the variance of
            # log2 of the prices, 0.16 / ln(2)^2, times 1 / ln(2).
            ("prb", study.prb, 0.01 / 2 / math.log(2) / (0.16 / math.log(2) ** 2 + 0.0025 / math.log(2) ** 2)),
        ):
            assert measure.low is not None
            assert measure.high is not None
            covered[name] += measure.low <= value <= measure.high
    assert all(0.91 <= count / rounds <= 0.99 for count in covered.values()), covered


def test_few_sales_have_no_intervals() -> None:
    prices = [100.0 + i for i in range(MIN_SALES)]
    estimates = [price * (1 + (-1) ** i / 10) for i, price in enumerate(prices)]
    few, enough = ratio_study(estimates[1:], prices[1:]), ratio_study(estimates, prices)
    for study, has_interval in ((few, False), (enough, True)):
        for measure in (study.median_ratio, study.cod, study.prd, study.prb):
            assert measure is not None
            assert (measure.low is not None) is (measure.high is not None) is has_interval


def test_a_single_sale_has_neither_bias_nor_deviation() -> None:
    study = ratio_study([110.0], [100.0])
    assert study.prb is None
    assert study.forecast_standard_deviation is None
    assert study.values() == pytest.approx(
        {"median_ratio": 1.1, "cod": 0, "prd": 1, "within_5": 0, "within_10": 1, "within_20": 1}
    )


def test_equal_values_have_no_bias() -> None:
    assert price_related_bias([100.0, 100.0, 100.0], [100.0, 100.0, 100.0]) is None


def test_shares_include_their_limit() -> None:
    assert share_within([0.05, 0.1, 0.2], 0.1) == pytest.approx(2 / 3)


def test_documents_name_each_measure_with_its_interval() -> None:
    document = ratio_study([1.0, 2.0], [1.0, 2.0]).to_json()
    assert document["sales"] == 2
    assert document["median_ratio"] == {"value": 1.0, "low": None, "high": None}


@pytest.mark.parametrize(
    ("estimates", "prices"), [([], []), ([1.0], [1.0, 2.0]), ([0.0], [1.0]), ([1.0], [-1.0]), ([math.nan], [1.0])]
)
def test_impossible_input_is_refused(estimates: list[float], prices: list[float]) -> None:
    with pytest.raises(ValueError, match="estimates"):
        ratio_study(estimates, prices)


def test_measures_do_not_depend_on_order_or_currency() -> None:
    random = Random(3)
    prices = [math.exp(random.gauss(12, 0.4)) for _ in range(200)]
    estimates = [price * math.exp(random.gauss(0, 0.1)) for price in prices]
    study = ratio_study(estimates, prices)
    scaled = ratio_study([2 * one for one in reversed(estimates)], [2 * one for one in reversed(prices)])
    assert scaled.values() == pytest.approx(study.values())


def test_the_normal_quantile_is_that_of_95_percent() -> None:
    assert NormalDist().inv_cdf(0.975) == pytest.approx(1.959964, abs=1e-6)
