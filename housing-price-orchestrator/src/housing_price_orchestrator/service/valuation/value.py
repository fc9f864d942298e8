"""The value of a house from its predicted price and comparable sales: the sales comparison approach of an appraisal.

`housing_price_model` has the same formula for its evaluation; a test compares the two.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Final

from housing_price_orchestrator.shared.ports import Blend, ConfidenceLimits, PriceEstimate
from housing_price_orchestrator.shared.view.price import INTERVAL_LEVEL
from housing_price_orchestrator.shared.view.valuation import Confidence

_DEVIATIONS_IN_INTERVAL: Final = 2 * NormalDist().inv_cdf((1 + INTERVAL_LEVEL) / 2)
"""Width of an interval in standard deviations: 3.29 at the level 0.9."""


@dataclass(frozen=True, slots=True)
class BlendedValue:
    """A value in US dollars, rounded to the cent, with `low <= amount <= high`."""

    amount_usd: float
    low_usd: float
    high_usd: float
    comparables_usd: float
    """The value from the sales alone: the weighted geometric mean of the adjusted prices."""
    sale_weights: tuple[float, ...] = ()
    """The weight of each sale in this mean, as a share: the sum is 1. Empty without sales."""


def adjusted_usd(sale_usd: float, predicted_usd: float, price_usd: float) -> float:
    """Return a sale price, adjusted to a house with the predicted price `price_usd`; not rounded.

    Args:
        sale_usd: the price paid for the sold house.
        predicted_usd: the predicted price of the sold house.
        price_usd: the predicted price of the other house, by the same model.
    """
    return sale_usd * price_usd / predicted_usd


def blend_value(
    price: PriceEstimate, adjusted_prices: Sequence[float], distances: Sequence[float], blend: Blend
) -> BlendedValue:
    """Combine the predicted price of a house with the adjusted prices of at least one sold house.

    The logarithms of price and adjusted sale prices are averaged. Closer sales weigh more. The interval widens with the
    interval of the price and with the spread of the adjusted sale prices.

    Raises:
        ArithmeticError, ValueError: the numbers are not plausible.
    """
    if min(map(in_cents, adjusted_prices)) <= 0:
        raise ValueError("an adjusted price is less than a cent")
    weights = [1 / (distance + blend.distance_offset) for distance in distances]
    logs = [math.log(adjusted) for adjusted in adjusted_prices]
    total = math.fsum(weights)
    mean = math.fsum(weight * log for weight, log in zip(weights, logs, strict=True)) / total
    variance = math.fsum(weight * (log - mean) ** 2 for weight, log in zip(weights, logs, strict=True)) / total
    spread = blend.interval_spread * math.sqrt(variance)
    center = blend.weight * math.log(price.price_usd) + (1 - blend.weight) * mean
    below = blend.interval_scale * math.log(price.price_usd / price.low_usd) + spread
    above = blend.interval_scale * math.log(price.high_usd / price.price_usd) + spread
    value = BlendedValue(
        amount_usd=in_cents(math.exp(center)),
        low_usd=in_cents(math.exp(center - below)),
        high_usd=in_cents(math.exp(center + above)),
        comparables_usd=in_cents(math.exp(mean)),
        sale_weights=tuple(weight / total for weight in weights),
    )
    if not (
        0 < value.low_usd <= value.amount_usd <= value.high_usd < math.inf and 0 < value.comparables_usd < math.inf
    ):
        raise ValueError("the interval does not contain the value")
    return value


def confidence_of(value: BlendedValue, limits: ConfidenceLimits | None) -> Confidence | None:
    """Grade a value by its forecast standard deviation; None without limits.

    That is the relative standard deviation of the value that its interval implies, as of automated valuation models.
    """
    if limits is None:
        return None
    deviation = math.log(value.high_usd / value.low_usd) / _DEVIATIONS_IN_INTERVAL
    if deviation <= limits.high:
        return "high"
    return "medium" if deviation <= limits.medium else "low"


def in_cents(usd: float) -> float:
    """Round an amount in US dollars to whole cents."""
    return round(usd, 2)
