"""How a value weighs the price and the adjusted comparables, and how wide its interval is.

The log value of a house is `weight * ln price + (1 - weight) * m`. The adjusted price of a comparable is its sale
price, multiplied by the ratio of the estimated prices of the house and of the comparable. `m` is the mean of the
adjusted log prices, weighted with 1 / (distance + `distance_offset`), and `s` their weighted standard deviation. The
interval is `value * exp(-(interval_scale * ln(price / low) + interval_spread * s))` and, likewise, upwards.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from housing_price_model.artefact.served_comparables import DEFAULT_K, NOBODY, Floats
from housing_price_model.comparables.distance import neighbours_of
from housing_price_model.fitting.evaluate import Estimates, metrics

DISTANCE_OFFSET: Final = 0.3

_LEVEL: Final = 0.9
_SPREADS: Final = (0.0, 0.25, 0.5, 0.75, 1.0)
_MIN_WIDTH: Final = 1e-6


@dataclass(frozen=True)
class Blend:
    """The parameters of the value, learned at training on held-out estimates and stored with the comparables model.

    Attributes:
        weight: The share of the log price in the log value; the rest is the mean of the adjusted log sale prices.
        distance_offset: A sale at distance d weighs 1 / (d + `distance_offset`).
        interval_scale: The share of the price's interval in the value's.
        interval_spread: How far the value's interval grows with the standard deviation of the adjusted log prices.
    """

    weight: float
    distance_offset: float
    interval_scale: float
    interval_spread: float


@dataclass(frozen=True)
class FittedBlend:
    """A blend, and the metrics of the value on the houses on which it was fitted; see `evaluate.metrics`."""

    blend: Blend
    metrics: dict[str, float]


def fit_blend(values: Floats, prices: Floats, held_out: Estimates) -> FittedBlend:
    """Learn the parameters of the value.

    Args:
        values: The (n, columns) encoded training houses.
        prices: Their sale prices in US dollars; shape (n,).
        held_out: Their held-out estimates.
    """
    log_prices, log_estimates = np.log(prices), np.log(held_out.price)
    mean, deviation = _adjusted(values, log_prices - log_estimates)
    mean += log_estimates
    weight = _weight(log_prices, log_estimates, mean)
    log_values = weight * log_estimates + (1 - weight) * mean
    below, above = np.log(held_out.price / held_out.low), np.log(held_out.high / held_out.price)
    scale, spread = _interval(log_prices - log_values, below, above, deviation)
    value = Estimates(
        np.exp(log_values),
        np.exp(log_values - scale * below - spread * deviation),
        np.exp(log_values + scale * above + spread * deviation),
    )
    return FittedBlend(Blend(weight, DISTANCE_OFFSET, scale, spread), metrics(prices, value))


def _adjusted(values: Floats, errors: Floats) -> tuple[Floats, Floats]:
    """Return the weighted mean and standard deviation of each house's adjusted log prices, less its log estimate."""
    positions, distances = neighbours_of(values).nearest(values, DEFAULT_K)
    weights = np.where(positions == NOBODY, 0.0, 1 / (distances + DISTANCE_OFFSET))
    weights /= weights.sum(axis=1, keepdims=True)
    adjusted = errors[positions]
    mean = (weights * adjusted).sum(axis=1)
    return mean, np.sqrt((weights * (adjusted - mean[:, np.newaxis]) ** 2).sum(axis=1))


def _weight(actual: Floats, estimates: Floats, mean: Floats) -> float:
    """Return the share of the estimates, from 0 to 1, with the smallest sum of squared errors."""
    difference = estimates - mean
    if not difference.any():
        return 1.0
    return float(np.clip(np.sum((actual - mean) * difference) / np.sum(difference**2), 0.0, 1.0))


def _interval(errors: Floats, below: Floats, above: Floats, deviation: Floats) -> tuple[float, float]:
    """Return scale and spread of the narrowest interval that covers the held-out sale prices."""
    found = []
    width = np.maximum(np.where(errors < 0, below, above), _MIN_WIDTH)
    for spread in _SPREADS:
        needed = (np.abs(errors) - spread * deviation) / width
        # The conformal quantile of n ratios: the ceil((n + 1) * level)-th smallest (Lei et al. 2018, section 2.2).
        rank = min(len(needed), int(np.ceil((len(needed) + 1) * _LEVEL))) - 1
        scale = max(float(np.sort(needed)[rank]), 0.0)
        found.append((float(np.median(scale * (below + above) + 2 * spread * deviation)), scale, spread))
    _, scale, spread = min(found)
    return scale, spread
