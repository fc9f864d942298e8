from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from housing_price_survey.tabular.numbers import integer_of, parse_number


@pytest.mark.parametrize(
    ("text", "number"),
    [
        *(("0", 0), ("-0", 0), ("-0.0", 0), ("1.0", 1), ("1.000", 1), ("5.", 5), ("007", 7), ("-7.0", -7)),
        *(("2e0", 2), ("1e3", 1000), ("1E+05", 100_000), ("1.5e1", 15), ("100e-2", 1), ("0e999", 0)),
        *(("9007199254740993.0", 2**53 + 1), ("9223372036854775807", 2**63 - 1), ("9223372036854775807.0", 2**63 - 1)),
        ("922337203685477580700e-2", 2**63 - 1),
    ],
)
def test_a_number_without_a_fractional_part_is_an_exact_integer(text: str, number: int) -> None:
    found = parse_number(text)
    assert (found, type(found)) == (number, int)


@pytest.mark.parametrize(
    ("text", "number"), [("2.5", 2.5), (".5", 0.5), ("1e-2", 0.01), ("0.1", 0.1), ("1e300", 1e300), ("-2.5e0", -2.5)]
)
def test_any_other_number_is_a_float(text: str, number: float) -> None:
    found = parse_number(text)
    assert (found, type(found)) == (number, float)


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "+5", " 5", "5 ", "0x10", "1_000", "1,000", "1.000,5", "1,5", "1/2", "5 %", "$5", "1e", "e1", "."),
        *("-", "--1", "1-", "1e+", "1 000", "Infinity", "-inf", "nan", "NaN", "1e400", "-1E400", "1e99999999999999999"),
        *("\uff11\uff12", "\u0663", "\u00b2", "\u096b", "1\n", "1\u2028", "\ufeff1", "true", "1.2.3", "0b1", "1e1.0"),
    ],
)
def test_what_is_ambiguous_or_no_finite_number_is_refused(text: str) -> None:
    assert parse_number(text) is None


@pytest.mark.parametrize("literal", ["1e400000000", "1e99999999999999999999", "-1e41", "1" * 41, "0." + "3" * 5_000])
def test_huge_numbers_are_not_expanded(literal: str) -> None:
    assert integer_of(literal) is None


@given(st.integers(-(10**30), 10**30), st.integers(0, 5), st.sampled_from(["", "e0", "E+0", "e-0"]))
def test_any_integer_is_read_exactly_however_it_is_written(number: int, zeros: int, exponent: str) -> None:
    assert parse_number(f"{number}{'.' + '0' * zeros if zeros else ''}{exponent}") == number


@given(st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=-(10**9), max_value=10**9))
def test_integers_are_those_of_decimal_arithmetic(number: Decimal) -> None:
    expected: Any = int(number) if number == number.to_integral_value() else None
    assert integer_of(f"{number:f}") == expected
