"""Strict parsing of a request body into a validated house.

`HouseRecord` (msgspec) decodes valid houses fast. Whatever it rejects is validated again by `House` (pydantic), which
decides and reports the errors. Both keep the last of two duplicate keys, although duplicates must be rejected. No
allowed value contains a colon or a brace (a test checks this), so a valid house has exactly as many colons as keys
unless a key is duplicated.
"""

import re
from typing import Final, cast

import msgspec
from pydantic import ValidationError

from housing_price_orchestrator.interface.documents.strict_json import (
    invalid_json,
    parse_leniently,
    parse_strictly,
    with_plain_integers,
)
from housing_price_orchestrator.interface.documents.wrong_operation import (
    PRICES,
    OperationPair,
    is_list_of_houses,
)
from housing_price_orchestrator.interface.findings import (
    Finding,
    has_inexact_integer,
    invalid_body,
    json_error_of,
)
from housing_price_orchestrator.shared.errors import BODY_MISSING, InvalidDocument
from housing_price_orchestrator.shared.view.house import House
from housing_price_orchestrator.shared.view.record import KEY_COUNT, AnyHouse, HouseRecord
from housing_price_survey.tabular.encoding import BYTE_ORDER_MARK

MAX_COLONS: Final = 1_000
"""Maximum colons in the JSON of a house that is validated. A house has one for each of its keys."""

TOO_MANY_KEYS: Final[Finding] = {
    "type": "too_long",
    "loc": ("body",),
    "msg": f"House should have at most {KEY_COUNT} keys, and no objects inside",
    "ctx": {"field_type": "House", "max_length": KEY_COUNT},
}

_LARGE_NUMBER: Final = re.compile(rb"[0-9]{16}|[0-9.][eE][+-]?[0-9]")

house_validator = House.__pydantic_validator__
_house_decoder = msgspec.json.Decoder(HouseRecord)

# Errors that the msgspec decoder may raise for bytes that are not valid houses.
DECODE_ERRORS: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def read_house(body: bytes, *, is_start: bool = True, operations: OperationPair = PRICES) -> AnyHouse:
    """Parse one house.

    Args:
        body: The JSON text.
        is_start: Whether the text is the start of what the caller sent, where a byte order mark is skipped.
        operations: The operation that reads the house, and the one for batches.

    Raises:
        InvalidDocument: Lists every invalid field, as the caller spelled it, below `body`.
    """
    if (house := read_complete_house(body)) is not None:
        return house
    if is_start and body.startswith(BYTE_ORDER_MARK):
        return read_house(body.removeprefix(BYTE_ORDER_MARK), is_start=False, operations=operations)
    if not body.strip(b" \t\n\r"):
        raise InvalidDocument([BODY_MISSING])
    try:
        return validate_house(body)
    except InvalidDocument as error:
        if is_list_of_houses(parse_leniently(body)):
            raise InvalidDocument([operations.one_house_expected]) from error
        raise
    except ValidationError as error:
        if (reason := json_error_of(error)) is not None:
            raise InvalidDocument([invalid_json(reason)]) from error
        if is_list_of_houses(parse_leniently(body)):
            raise InvalidDocument([operations.one_house_expected]) from error
        raise invalid_body(error) from error


def read_complete_house(body: bytes) -> AnyHouse | None:
    """Parse a valid house with all its keys, as nearly all houses are; None for anything else, valid or not."""
    if body.count(b":") != KEY_COUNT:
        return None
    try:
        return cast("AnyHouse", _house_decoder.decode(body))
    except DECODE_ERRORS:
        return None


def validate_house(text: bytes) -> House:
    """Validate one house with pydantic.

    Raises:
        ValidationError: The house is invalid.
        InvalidDocument: A key is duplicated.
    """
    if text.count(b":") > MAX_COLONS:
        # Each unknown key would become an error: millions of them fit into a batch.
        raise InvalidDocument([TOO_MANY_KEYS])
    house: House
    try:
        house = house_validator.validate_json(text)
    except ValidationError as error:
        # An integer such as 9007199254740993.0 is exact only as text.
        if _LARGE_NUMBER.search(text) is None or not has_inexact_integer(error):
            raise
        if (plain := with_plain_integers(text)) is None:
            raise
        house = house_validator.validate_json(plain)
    if text.count(b":") != len(house.model_fields_set):
        parse_strictly(text)
    return house
