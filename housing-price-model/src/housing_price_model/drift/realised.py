"""What became known of the sale prices of priced houses."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import log
from typing import Final, Self

from housing_price_model.reference.distribution import Numbers

_DIGITS: Final = 4


@dataclass(frozen=True)
class Realised:
    """The errors that were made.

    Attributes:
        errors: The sizes of the errors of the log price.
        covered: How many of these sale prices lay inside their interval.
    """

    errors: Numbers
    covered: int

    @classmethod
    def of(cls, sales: Iterable[tuple[float, float, float, float]]) -> Self:
        """Take what each house sold for, and its price, low and high, in US dollars."""
        errors, covered = [], 0
        for sold, price, low, high in sales:
            errors.append(abs(log(sold / price)))
            covered += low <= sold <= high
        return cls(Numbers.of_sample(errors, _DIGITS), covered)
