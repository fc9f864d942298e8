import math

import pytest
from hypothesis import given
from hypothesis import strategies as some

from housing_price_orchestrator.service.valuation.whole_cents import cents_of, whole_cents


def test_missing_cents_go_to_the_largest_fractions() -> None:
    assert whole_cents([0.014, 0.017, 0.019], 5) == [1, 2, 2]
    assert whole_cents([1 / 3, 1 / 3, 1 / 3], 100) == [34, 33, 33]


def test_negative_parts_are_rounded_too() -> None:
    assert whole_cents([-0.019, 0.004], -2) == [-2, 0]
    assert whole_cents([-1.0, 1.0], 0) == [-100, 100]


def test_nothing_is_distributed_over_no_parts() -> None:
    assert whole_cents([], 0) == []
    with pytest.raises(ValueError, match="5 cents and no part"):
        whole_cents([], 5)


@given(some.lists(some.floats(-1e6, 1e6), min_size=1, max_size=11), some.integers(-3, 3))
def test_rounded_parts_sum_to_the_total_and_stay_close(parts: list[float], off: int) -> None:
    total = cents_of(math.fsum(parts)) + off
    cents = whole_cents(parts, total)
    assert sum(cents) == total
    assert all(abs(cent - 100 * part) <= 1 + abs(off) + 1e-6 for cent, part in zip(cents, parts, strict=True))
