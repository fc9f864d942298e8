"""Numbers in text. Integers are exact: they never pass through a floating-point number."""

import math
import re
from decimal import Decimal, InvalidOperation
from typing import Final

MAX_DIGITS: Final = 40
"""Integers with more digits are not expanded: `1e400000000` would fill the memory."""

_MAX_PLAIN_DIGITS: Final = 18

# JSON's numbers, and also `007`, `5.` and `.5`, which some programs write. ASCII digits only. Everything else is
# ambiguous or not a number: `1,000`, `1_000`, `+5`, `0x10`, `1/2`, `5 %`, `Infinity`, `nan`.
_NUMBER: Final = re.compile(r"-?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")


def integer_of(literal: str) -> int | None:
    """Return the integer that a number stands for, such as 2 for `2.0` and 1000 for `1e3`.

    Returns:
        The integer; None if the number has a fractional part or more than `MAX_DIGITS` digits.
    """
    try:
        _, digits, exponent = Decimal(literal).as_tuple()
    except InvalidOperation:
        return None
    if not isinstance(exponent, int):
        return None
    text = "".join(map(str, digits)).lstrip("0")
    if not text:
        return 0
    if len(text) + exponent > MAX_DIGITS or (exponent < 0 and text[exponent:].strip("0")):
        return None
    if exponent < 0:
        text = text[:exponent]
    if not text:
        return None
    value = int(text + "0" * max(0, exponent))
    return -value if literal.startswith("-") else value


def parse_number(text: str) -> int | float | None:
    """Read a number; a number without a fractional part is an integer.

    Returns:
        The number; None if the text is not a number, or not a finite one.
    """
    plain = text.removesuffix(".0")
    if len(plain) <= _MAX_PLAIN_DIGITS and plain.isascii() and plain.isdigit():
        return int(plain)
    if _NUMBER.fullmatch(text) is None:
        return None
    integer = integer_of(text)
    if integer is not None:
        return integer
    number = float(text)
    return number if math.isfinite(number) else None
