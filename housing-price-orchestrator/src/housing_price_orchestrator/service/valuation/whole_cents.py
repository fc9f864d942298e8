"""Rounds parts of an amount to whole cents, so that they still sum to the amount."""

import math
from collections.abc import Sequence
from typing import Final

CENTS_PER_USD: Final = 100


def cents_of(usd: float) -> int:
    """Return an amount in US dollars as whole cents."""
    return round(usd * CENTS_PER_USD)


def whole_cents(parts_usd: Sequence[float], total_cents: int) -> list[int]:
    """Round each part to a whole number of cents; the rounded parts sum to `total_cents`.

    Method of the largest remainders: each part is rounded down, and the cents that are missing go to the parts with the
    largest fractions. Of equal fractions the earlier part comes first.

    Raises:
        ValueError: there is no part, but an amount to distribute.
    """
    if not parts_usd:
        if total_cents:
            raise ValueError(f"{total_cents} cents and no part to add them to")
        return []
    exact = [part * CENTS_PER_USD for part in parts_usd]
    cents = [math.floor(part) for part in exact]
    # More than one cent per part, or less than none, only if the parts themselves do not sum to the total.
    each, missing = divmod(total_cents - sum(cents), len(cents))
    by_fraction = sorted(range(len(cents)), key=lambda at: cents[at] - exact[at])
    for rank, at in enumerate(by_fraction):
        cents[at] += each + (rank < missing)
    return cents
