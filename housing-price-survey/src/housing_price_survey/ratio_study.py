"""Ratio studies: the measures by which assessors and lenders judge estimates of house prices.

A ratio is an estimate divided by the sale price. The measures are those of the IAAO (International Association of
Assessing Officers), "Standard on Ratio Studies", 2013, and those of automated valuation models: IAAO, "Standard on
Automated Valuation Models", 2018. Pure Python: training and the API share it, and the API has no NumPy.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import ceil, exp, log, log2, sqrt
from statistics import NormalDist, fmean, median, stdev, variance
from typing import Any, Final

ARMS_LENGTH: Final = "Normal"
"""The sale condition of a sale at arm's length; the others are foreclosures, sales within a family and the like."""

MAX_COD: Final = 15.0
"""Maximum COD of single-family houses (Standard on Ratio Studies, table 1-3)."""

PRD_RANGE: Final = (0.98, 1.03)
"""Acceptable PRD (Standard on Ratio Studies, table 1-3)."""

PRB_RANGE: Final = (-0.05, 0.05)
"""Acceptable PRB; beyond -0.10 and 0.10 it is unacceptable (Standard on Ratio Studies, section 9.2.7)."""

MEDIAN_RATIO_RANGE: Final = (0.9, 1.1)
"""Acceptable median ratio (Standard on Ratio Studies, section 9.1)."""

MIN_SALES: Final = 10
"""Minimum number of sales for confidence intervals."""

_Z: Final = NormalDist().inv_cdf(0.975)


@dataclass(frozen=True, slots=True)
class Measured:
    """A measure with its 95 % confidence interval; `low` and `high` are None where there are too few sales."""

    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class RatioStudy:
    """The measures of one set of sales."""

    sales: int
    """Number of sales."""
    median_ratio: Measured
    """Level of the estimates; 1 if half of them are too high."""
    cod: Measured
    """Coefficient of dispersion: mean absolute deviation of the ratios from their median, in % of the median."""
    prd: Measured
    """Price-related differential: above 1 if expensive houses have lower ratios."""
    prb: Measured | None
    """Price-related bias: relative change of the ratio when the value doubles; None if all values are equal."""
    within_5: float
    """Share of estimates within 5 % of the sale price."""
    within_10: float
    """Share of estimates within 10 % of the sale price."""
    within_20: float
    """Share of estimates within 20 % of the sale price."""
    forecast_standard_deviation: float | None
    """Standard deviation of the relative error; None for a single sale."""

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object."""
        return asdict(self)

    def values(self) -> dict[str, float]:
        """Return the measures without their intervals, by name; a measure that is None is left out."""
        plain = asdict(self)
        found = {name: one["value"] if isinstance(one, dict) else one for name, one in plain.items()}
        return {name: value for name, value in found.items() if value is not None and name != "sales"}


def ratio_study(estimates: Sequence[float], sale_prices: Sequence[float]) -> RatioStudy:
    """Compare estimates with sale prices, in any currency.

    Raises:
        ValueError: There are no sales, the lengths differ, or a number is not positive.
    """
    if not sale_prices or len(estimates) != len(sale_prices):
        raise ValueError(
            f"{len(estimates)} estimates and {len(sale_prices)} sale prices: need the same number, at least 1"
        )
    if not min(*estimates, *sale_prices) > 0:
        raise ValueError("estimates and sale prices must be positive")
    ratios = [estimate / price for estimate, price in zip(estimates, sale_prices, strict=True)]
    errors = [abs(estimate - price) / price for estimate, price in zip(estimates, sale_prices, strict=True)]
    return RatioStudy(
        sales=len(ratios),
        median_ratio=median_ratio(ratios),
        cod=coefficient_of_dispersion(ratios),
        prd=price_related_differential(estimates, sale_prices),
        prb=price_related_bias(estimates, sale_prices),
        within_5=share_within(errors, 0.05),
        within_10=share_within(errors, 0.10),
        within_20=share_within(errors, 0.20),
        forecast_standard_deviation=stdev(ratios) if len(ratios) > 1 else None,
    )


def median_ratio(ratios: Sequence[float]) -> Measured:
    """Return the median ratio.

    The interval is distribution-free: order statistics whose ranks follow from the normal approximation of the
    binomial distribution, rounded outwards (Conover, "Practical Nonparametric Statistics", 3rd ed., section 3.2). Ranks
    are counted from the middle: z x sqrt(n) / 2 places, and half a place more if n is even.
    """
    ordered, count = sorted(ratios), len(ratios)
    is_even = count % 2 == 0
    places = ceil(_Z * sqrt(count) / 2 + is_even / 2)
    rank = (count + 1) // 2 + is_even - places
    if count < MIN_SALES:
        return Measured(median(ordered))
    return Measured(median(ordered), ordered[rank - 1], ordered[count - rank])


def coefficient_of_dispersion(ratios: Sequence[float]) -> Measured:
    """Return the COD, in %: 100 x mean(|ratio - median|) / median (Standard on Ratio Studies, table 1-3).

    The interval is that of Bonett and Seier 2006, "Confidence interval for a coefficient of dispersion in nonnormal
    distributions", Biometrical Journal 48(1), 144-148, as in `ci.cod` of the R package statpsych.
    """
    ordered, count = sorted(ratios), len(ratios)
    middle = median(ordered)
    deviation = fmean(abs(ratio - middle) for ratio in ordered)
    cod = 100 * deviation / middle
    if count < MIN_SALES or deviation == 0:
        return Measured(cod)
    first = max(round((count + 1) / 2 - sqrt(count)), 1)
    median_error = abs(log(ordered[first - 1]) - log(ordered[count - first])) / 4
    skew = (fmean(ordered) - middle) / deviation
    deviation_variance = (variance(ordered) / deviation**2 + skew**2 - 1) / count
    # The two errors are correlated, so the interval of each is narrowed until that of the ratio has its level.
    together = median_error**2 + deviation_variance - 2 * skew * median_error / sqrt(count)
    narrowing = sqrt(max(together, 0.0)) / (median_error + sqrt(deviation_variance))
    rank = max(round((count + 1) / 2 - narrowing * _Z * sqrt(count / 4)), 1)
    factor = exp(narrowing * _Z * sqrt(deviation_variance))
    corrected = 100 * deviation * count / (count - 1)
    return Measured(cod, corrected / factor / ordered[count - rank], corrected * factor / ordered[rank - 1])


def price_related_differential(estimates: Sequence[float], sale_prices: Sequence[float]) -> Measured:
    """Return the PRD: mean ratio / (sum of estimates / sum of sale prices) (Standard on Ratio Studies, section 9.2.7).

    The interval is linearised (delta method; Cochran, "Sampling Techniques", 3rd ed., chapter 6).
    """
    ratios = [estimate / price for estimate, price in zip(estimates, sale_prices, strict=True)]
    mean_ratio, mean_estimate, mean_price = fmean(ratios), fmean(estimates), fmean(sale_prices)
    prd = mean_ratio * mean_price / mean_estimate
    count = len(ratios)
    if count < MIN_SALES:
        return Measured(prd)
    influences = [
        prd * (ratio / mean_ratio + price / mean_price - estimate / mean_estimate - 1)
        for ratio, price, estimate in zip(ratios, sale_prices, estimates, strict=True)
    ]
    half = _student_t(count - 1) * stdev(influences) / sqrt(count)
    return Measured(prd, prd - half, prd + half)


def price_related_bias(estimates: Sequence[float], sale_prices: Sequence[float]) -> Measured | None:
    """Return the PRB, or None if it is not determined.

    The slope of the regression of (ratio - median ratio) / median ratio on log2(value), with value = half of the sale
    price plus half of the estimate / median ratio (Standard on Ratio Studies, section 9.2.7). -0.03 means
    that ratios fall by 3 % when values double. The interval is that of the slope.
    """
    ratios = [estimate / price for estimate, price in zip(estimates, sale_prices, strict=True)]
    middle, count = median(ratios), len(ratios)
    values = [log2(value) for value in value_proxies(estimates, sale_prices)]
    differences = [(ratio - middle) / middle for ratio in ratios]
    mean_value, mean_difference = fmean(values), fmean(differences)
    squares = sum((value - mean_value) ** 2 for value in values)
    if squares < count * 1e-18:  # equal but for rounding
        return None
    products = ((value - mean_value) * difference for value, difference in zip(values, differences, strict=True))
    slope = sum(products) / squares
    if count < MIN_SALES:
        return Measured(slope)
    residuals = (
        difference - mean_difference - slope * (value - mean_value)
        for value, difference in zip(values, differences, strict=True)
    )
    error = sqrt(sum(residual**2 for residual in residuals) / (count - 2) / squares)
    half = _student_t(count - 2) * error
    return Measured(slope, slope - half, slope + half)


def value_proxies(estimates: Sequence[float], sale_prices: Sequence[float]) -> list[float]:
    """Return half of each sale price plus half of its estimate / median ratio.

    Neither estimates nor sale prices alone may order houses by value: houses with a high sale price have low ratios by
    chance, and houses with a high estimate have high ones (Standard on Ratio Studies, section 9.2.7).
    """
    middle = median(estimate / price for estimate, price in zip(estimates, sale_prices, strict=True))
    return [(price + estimate / middle) / 2 for estimate, price in zip(estimates, sale_prices, strict=True)]


def share_within(errors: Sequence[float], limit: float) -> float:
    """Return the share of absolute relative errors up to a limit."""
    return sum(error <= limit for error in errors) / len(errors)


def _student_t(degrees: int) -> float:
    """Return the 97.5 % quantile of Student's t, with an error below 1e-4 from 8 degrees of freedom.

    Abramowitz and Stegun, "Handbook of Mathematical Functions", 26.7.5.
    """
    z = _Z
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return z + sum(term / float(degrees) ** power for power, term in enumerate(terms, start=1))
