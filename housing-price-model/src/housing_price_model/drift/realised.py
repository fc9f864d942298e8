"""Errors of predictions against known sale prices."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import log
from typing import Final, Self

from housing_price_model.reference.distribution import NumericDistribution

_ERROR_DIGITS: Final = 4
"""Decimal places of the errors."""


@dataclass(frozen=True)
class RealisedErrors:
    """Errors of predictions for houses whose sale price is known."""

    errors: NumericDistribution
    """Absolute errors of the log price."""
    covered: int
    """Number of sale prices inside their interval."""

    @classmethod
    def of(cls, sales: Iterable[tuple[float, float, float, float]]) -> Self:
        """Compare each (sale price, predicted price, low, high), in US dollars."""
        errors, covered = [], 0
        for sold, price, low, high in sales:
            errors.append(abs(log(sold / price)))
            covered += low <= sold <= high
        return cls(NumericDistribution.of_sample(errors, _ERROR_DIGITS), covered)
