import numpy as np
import pytest

from housing_price_model.fitting.calibration import MAX_BIAS, MAX_SLOPE, Stretch
from housing_price_survey.ratio_study import price_related_bias


def bias(
    log_prices: np.ndarray[tuple[int], np.dtype[np.float64]], estimates: np.ndarray[tuple[int], np.dtype[np.float64]]
) -> float:
    found = price_related_bias(np.exp(estimates).tolist(), np.exp(log_prices).tolist())
    assert found is not None
    return found.value


@pytest.mark.parametrize(("slope", "sign"), [(0.9, -1), (1.15, 1)])
def test_estimates_are_stretched_until_the_bias_is_within_its_limit(slope: float, sign: int) -> None:
    random = np.random.default_rng(0)
    log_prices = random.normal(12, 0.4, 1500)
    estimates = 12 + slope * (log_prices - 12) + random.normal(0, 0.1, 1500)
    assert sign * bias(log_prices, estimates) > MAX_BIAS
    stretch = Stretch.fit(log_prices, estimates)
    assert bias(log_prices, stretch.apply(estimates)) == pytest.approx(sign * MAX_BIAS, abs=0.001)
    assert (stretch.slope > 1) is (sign < 0)


def test_unbiased_estimates_stay_as_they_are() -> None:
    random = np.random.default_rng(0)
    log_prices = random.normal(12, 0.4, 1500)
    estimates = log_prices + random.normal(0, 0.02, 1500)
    stretch = Stretch.fit(log_prices, estimates)
    assert stretch.slope == 1
    assert stretch.apply(estimates) == pytest.approx(estimates)


def test_the_correction_has_limits() -> None:
    log_prices = np.linspace(11, 13, 100)
    stretch = Stretch.fit(log_prices, 12 + 0.1 * (log_prices - 12))
    assert 1.2 < stretch.slope <= MAX_SLOPE


def test_equal_prices_have_no_bias_to_correct() -> None:
    assert Stretch.fit(np.full(20, 12.0), np.full(20, 12.1)).slope == 1
