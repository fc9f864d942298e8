"""Strict JSON: UTF-8, no duplicate keys, no NaN; a number without a fractional part is an integer, exactly."""

import json
from typing import Any, Final

import jiter
from pydantic import BaseModel, ValidationError

from housing_price_orchestrator.interface.findings import Finding, has_inexact_integer, invalid_body
from housing_price_orchestrator.shared.errors import InvalidDocument
from housing_price_survey.tabular.encoding import BYTE_ORDER_MARK
from housing_price_survey.tabular.numbers import integer_of

MAX_COLONS: Final = 2_000
"""Maximum colons in a body that is not about houses; each key has one, and texts may contain some."""

_MAX_REASON_CHARACTERS: Final = 400


def parse_strictly(body: bytes) -> Any:
    """Parse JSON.

    Raises:
        InvalidDocument: The bytes are not JSON in UTF-8, or contain duplicate keys, NaN or Infinity.
    """
    try:
        return _Numbers().plain(_parse(body))
    except ValueError as error:
        raise InvalidDocument([invalid_json(str(error))]) from error


def parse_leniently(body: bytes) -> Any:
    """Parse JSON that may have duplicate keys and NaN, to tell what a caller meant; None if it is no JSON."""
    try:
        return jiter.from_json(body)
    except ValueError:
        return None


def read_view[Document: BaseModel](kind: type[Document], body: bytes, *, max_colons: int = MAX_COLONS) -> Document:
    """Read a body as a view or an order; a byte order mark at its start is skipped.

    A body with more than `max_colons` colons is refused unread: each unknown key would become an error.

    Raises:
        InvalidDocument: The body is not strict JSON, or violates the view.
    """
    body = body.removeprefix(BYTE_ORDER_MARK)
    if body.count(b":") > max_colons:
        raise InvalidDocument([{"type": "too_long", "loc": ("body",), "msg": "The document has too many keys"}])
    # Parsed twice: `parse_strictly` rejects duplicate keys, pydantic validates the values.
    parse_strictly(body)
    try:
        try:
            return kind.model_validate_json(body)
        except ValidationError as error:
            if not has_inexact_integer(error) or (plain := with_plain_integers(body)) is None:
                raise
            return kind.model_validate_json(plain)
    except ValidationError as error:
        raise invalid_body(error) from error


def with_plain_integers(body: bytes) -> bytes | None:
    """Write the integers of a JSON text without fraction and exponent: `2` for `2.0` and `2e0`.

    Returns:
        The new text; None if there is nothing to change, or the text is not strict JSON.
    """
    numbers = _Numbers()
    try:
        document = numbers.plain(_parse(body))
        return json.dumps(document).encode() if numbers.found_integers else None
    except ValueError:
        # Not JSON; or an integer of thousands of digits, which Python does not write.
        return None


def _parse(body: bytes) -> Any:
    return jiter.from_json(body, allow_inf_nan=False, catch_duplicate_keys=True, float_mode="lossless-float")


class _Numbers:
    """Replaces the numbers that the parser left as text: by integers where there is no fractional part."""

    def __init__(self) -> None:
        self.found_integers = False

    def plain(self, value: Any) -> Any:
        """Return a document with plain numbers."""
        if isinstance(value, jiter.LosslessFloat):
            integer = integer_of(str(value))
            if integer is None:
                return float(value)
            self.found_integers = True
            return integer
        if isinstance(value, dict):
            return {key: self.plain(member) for key, member in value.items()}
        if isinstance(value, list):
            return [self.plain(element) for element in value]
        return value


def invalid_json(reason: str) -> Finding:
    """Make the finding for bytes that are not strict JSON."""
    return {
        "type": "json_invalid",
        "loc": ("body",),
        "msg": "JSON decode error",
        "ctx": {"error": reason[:_MAX_REASON_CHARACTERS]},
    }
