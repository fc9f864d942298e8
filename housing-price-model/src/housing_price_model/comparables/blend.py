"""The parameters of a value: the weights of price and comparables, the width of the interval, and the grades.

The log value of a house is `weight * ln price + (1 - weight) * m`. The adjusted price of a comparable is its sale
price, multiplied by the ratio of the estimated prices of the house and of the comparable. `m` is the mean of the
adjusted log prices, weighted with 1 / (distance + `distance_offset`), and `s` their weighted standard deviation. The
interval is `value * exp(-(interval_scale * ln(price / low) + interval_spread * s))` and, likewise, upwards.
"""

from dataclasses import dataclass
from statistics import NormalDist
from typing import Final

import numpy as np

from housing_price_model.artefact.served_comparables import NO_SALE, Floats, Positions
from housing_price_model.fitting.evaluate import Estimates

DISTANCE_OFFSET: Final = 0.05

LEVEL: Final = 0.9
"""The share of sale prices inside the interval."""

HIGH_HITS, MEDIUM_HITS = 0.9, 0.75
"""The minimum share of values within 10 % of the sale price that has the grade `high`, and `medium`."""

MAX_GRADED_DEVIATION: Final = 1.0
"""A value with a larger forecast standard deviation is always graded `low`. Callers reject larger limits."""

_HIT: Final = 0.1
_SPREADS: Final = (0.0, 0.25, 0.5, 0.75, 1.0, 1.5)
_MIN_WIDTH: Final = 1e-6
_MIN_GRADED: Final = 50
_DEVIATIONS_IN_INTERVAL: Final = 2 * NormalDist().inv_cdf((1 + LEVEL) / 2)


@dataclass(frozen=True)
class ConfidenceLimits:
    """The forecast standard deviations up to which a value has a grade; beyond both it is `low`."""

    high: float
    medium: float


@dataclass(frozen=True)
class Blend:
    """The parameters of the value, learned at training on held-out estimates and stored with the comparables model."""

    weight: float
    """The share of the log price in the log value; the rest is the mean of the adjusted log sale prices."""
    distance_offset: float
    """A sale at distance d weighs 1 / (d + `distance_offset`)."""
    interval_scale: float
    """The share of the price's interval in the value's."""
    interval_spread: float
    """The growth of the value's interval with the standard deviation of the adjusted log prices."""
    confidence: ConfidenceLimits | None = None
    """The limits of the grades; None without grades."""


@dataclass(frozen=True)
class Evidence:
    """The parts of the values of n houses; each of shape (n,)."""

    log_price: Floats
    """The log price."""
    below: Floats
    """ln(price / low)."""
    above: Floats
    """ln(high / price)."""
    mean: Floats
    """The weighted mean of the adjusted log sale prices; NaN for a house without comparables."""
    deviation: Floats
    """Their weighted standard deviation."""


def adjusted(
    log_sale_prices: Floats, log_ratios: Floats, positions: Positions, distances: Floats
) -> tuple[Floats, Floats]:
    """Return the weighted mean and standard deviation of the adjusted log sale prices of n houses; both (n,).

    Args:
        log_sale_prices: The log sale prices of the k comparables of each house; shape (n, k).
        log_ratios: ln(price of the house / price of the comparable); shape (n, k).
        positions: Which sales they are; `NO_SALE` for none. Shape (n, k).
        distances: Their distances; shape (n, k).
    """
    weights = np.where(positions == NO_SALE, 0.0, 1 / (distances + DISTANCE_OFFSET))
    total = weights.sum(axis=1, keepdims=True)
    weights = np.divide(weights, total, out=np.full_like(weights, np.nan), where=total > 0)
    logs = log_sale_prices + log_ratios
    mean = (weights * logs).sum(axis=1)
    return mean, np.sqrt((weights * (logs - mean[:, np.newaxis]) ** 2).sum(axis=1))


def values_of(evidence: Evidence, blend: Blend) -> Estimates:
    """Compute the values of n houses; houses without comparables have their price and its interval."""
    has_sales = ~np.isnan(evidence.mean)
    mean = np.where(has_sales, evidence.mean, evidence.log_price)
    spread = np.where(has_sales, blend.interval_spread * evidence.deviation, 0.0)
    scale = np.where(has_sales, blend.interval_scale, 1.0)
    center = blend.weight * evidence.log_price + (1 - blend.weight) * mean
    low, high = center - scale * evidence.below - spread, center + scale * evidence.above + spread
    return Estimates(np.exp(center), np.exp(low), np.exp(high))


def learn_blend(log_prices: Floats, evidence: Evidence) -> Blend:
    """Learn the parameters on houses with known sale prices; houses without comparables do not count.

    Args:
        log_prices: The (n,) log sale prices.
        evidence: Of the same houses, held out.
    """
    rows = np.flatnonzero(~np.isnan(evidence.mean))
    known = Evidence(*(part[rows] for part in vars(evidence).values()))
    actual = log_prices[rows]
    weight = _weight(actual, known)
    errors = actual - (weight * known.log_price + (1 - weight) * known.mean)
    scale, spread = _interval(errors, known)
    values = values_of(known, Blend(weight, DISTANCE_OFFSET, scale, spread))
    hits = np.abs(values.price - np.exp(actual)) <= _HIT * np.exp(actual)
    return Blend(weight, DISTANCE_OFFSET, scale, spread, _confidence(forecast_deviations(values), hits))


def forecast_deviations(values: Estimates) -> Floats:
    """Return the relative standard deviation that the interval of each value implies, if errors are normal; (n,)."""
    return np.log(values.high / values.low) / _DEVIATIONS_IN_INTERVAL


def grades_of(values: Estimates, limits: ConfidenceLimits) -> list[str]:
    """Return the grade of each value: `high`, `medium` or `low`."""
    return [
        "high" if deviation <= limits.high else "medium" if deviation <= limits.medium else "low"
        for deviation in forecast_deviations(values).tolist()
    ]


def _weight(actual: Floats, evidence: Evidence) -> float:
    """Return the share of the price, from 0 to 1, with the smallest sum of squared errors."""
    difference = evidence.log_price - evidence.mean
    if not difference.any():
        return 1.0
    best = np.sum((actual - evidence.mean) * difference) / np.sum(difference**2)
    return float(np.clip(best, 0.0, 1.0))


def _interval(errors: Floats, evidence: Evidence) -> tuple[float, float]:
    """Return scale and spread of the interval with the smallest median width that covers the sale prices."""
    found = []
    width = np.maximum(np.where(errors < 0, evidence.below, evidence.above), _MIN_WIDTH)
    for spread in _SPREADS:
        needed = (np.abs(errors) - spread * evidence.deviation) / width
        # The conformal quantile of n ratios: the ceil((n + 1) * level)-th smallest (Lei et al. 2018, section 2.2).
        rank = min(len(needed), int(np.ceil((len(needed) + 1) * LEVEL))) - 1
        scale = max(float(np.sort(needed)[rank]), 0.0)
        widths = scale * (evidence.below + evidence.above) + 2 * spread * evidence.deviation
        found.append((float(np.median(widths)), scale, spread))
    _, scale, spread = min(found)
    return scale, spread


def _confidence(deviations: Floats, hits: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> ConfidenceLimits:
    """Choose the largest limits with which each grade has its minimum share of hits."""
    order = np.argsort(deviations, kind="stable")
    high = _largest_part(hits[order], HIGH_HITS)
    medium = high + _largest_part(hits[order[high:]], MEDIUM_HITS)
    ordered = deviations[order]
    limits = (float(ordered[count - 1]) if count else 0.0 for count in (high, medium))
    return ConfidenceLimits(*(min(limit, MAX_GRADED_DEVIATION) for limit in limits))


def _largest_part(hits: np.ndarray[tuple[int], np.dtype[np.bool_]], share: float) -> int:
    """Return the largest number of first houses among which the share of hits is reached; 0 if none of 50 or more."""
    counts = np.arange(1, len(hits) + 1)
    reached = np.flatnonzero((np.cumsum(hits) >= share * counts) & (counts >= _MIN_GRADED))
    return int(reached[-1]) + 1 if len(reached) else 0
