"""Strict reading of houses, by the rules for JSON: `House` and its compiled form `HouseRecord` check both."""

import asyncio
from collections.abc import Sequence
from operator import attrgetter
from typing import Any, Final, cast

import msgspec
from google.protobuf.message import DecodeError
from google.protobuf.unknown_fields import UnknownFieldSet
from pydantic import ValidationError

from housing_price_orchestrator.interface.findings import Finding, findings_of
from housing_price_orchestrator.interface.grpc.documents.splitting import malformed, split_houses
from housing_price_orchestrator.interface.grpc.documents.words import WORDS_OF_KEY, name_of_number, names_of_values
from housing_price_orchestrator.interface.grpc.generated.price_pb2 import House as HouseMessage
from housing_price_orchestrator.interface.grpc.generated.price_pb2 import PredictRequest, ValueRequest
from housing_price_orchestrator.shared.errors import MAX_FINDINGS, InvalidDocument
from housing_price_orchestrator.shared.view.fields import HouseField, house_fields
from housing_price_orchestrator.shared.view.house import House
from housing_price_orchestrator.shared.view.record import AnyHouse, HouseRecord

HOUSES_PER_SLICE: Final = 64
"""Houses read before yielding to the event loop: about 1 ms of work."""

_MISSING: Final[Finding] = {"type": "missing", "loc": ("body",), "msg": "Field required"}
_NO_HOUSE: Final[Finding] = {
    "type": "too_short",
    "loc": ("body", "data"),
    "msg": "List should have at least 1 item after validation, not 0",
}

_FIELDS: Final = house_fields()
_READERS: Final = tuple((field.name, field.key, WORDS_OF_KEY.get(field.key), field.is_nullable) for field in _FIELDS)
_POSITIONS: Final = {field.key: position for position, field in enumerate(_FIELDS)}
_values_of = attrgetter(*(field.name for field in _FIELDS))


def read_predict_request(message: bytes) -> AnyHouse:
    """Read the house of a `PredictRequest`.

    Raises:
        InvalidDocument: Lists every invalid field below `body`, by its key in JSON.
    """
    return _read_only_house(_parse(PredictRequest, message))


def read_value_request(message: bytes) -> tuple[AnyHouse, ValueRequest]:
    """Read the house of a `ValueRequest`, and return the request as well.

    Raises:
        InvalidDocument: Lists every invalid field below `body`, by its key in JSON.
    """
    request = _parse(ValueRequest, message)
    return _read_only_house(request), request


async def read_batch_request(message: bytes, *, max_houses: int) -> Sequence[AnyHouse]:
    """Read the houses of a `PredictBatchRequest`.

    Raises:
        InvalidDocument: Lists every invalid field below `body`, `data` and the index of the house.
    """
    parts = split_houses(message, max_houses=max_houses)
    if not parts:
        raise InvalidDocument([_NO_HOUSE])
    houses: list[AnyHouse] = []
    listed: list[Finding] = []
    omitted = 0
    for number, part in enumerate(parts):
        try:
            houses.append(read_house(part))
        except InvalidDocument as error:
            room = MAX_FINDINGS - len(listed)
            found = error.findings[:room]
            listed += ({**finding, "loc": ("body", "data", number, *finding["loc"][1:])} for finding in found)
            omitted += error.omitted + len(error.findings) - len(found)
        if number % HOUSES_PER_SLICE == 0:
            await asyncio.sleep(0)
    if listed:
        raise InvalidDocument(listed, omitted)
    return houses


def read_house(message: bytes) -> AnyHouse:
    """Read the bytes of one house of a batch or a stream.

    Raises:
        InvalidDocument: Lists every invalid field below `body`, by its key in JSON.
    """
    return _house_of(_parse(HouseMessage, message))


def _parse[Request: (PredictRequest, ValueRequest, HouseMessage)](kind: type[Request], message: bytes) -> Request:
    try:
        request = kind.FromString(message)
    except DecodeError as error:
        raise InvalidDocument([malformed("truncated, or not protobuf")]) from error
    _check_no_unknown_fields(request)
    return request


def _check_no_unknown_fields(request: Any) -> None:
    """Refuse unknown fields, as unknown keys of JSON: a feature that is ignored would make the price wrong."""
    unknown = UnknownFieldSet(request)
    if len(unknown):
        numbers = sorted({field.field_number for field in unknown})  # type: ignore[attr-defined]  # the stub lacks it
        raise InvalidDocument(
            [
                {
                    "type": "extra_forbidden",
                    "loc": ("body",),
                    "msg": f"{request.DESCRIPTOR.name} has no field number {number} of this type",
                }
                for number in numbers[:MAX_FINDINGS]
            ],
            max(0, len(numbers) - MAX_FINDINGS),
        )


def _read_only_house(request: PredictRequest | ValueRequest) -> AnyHouse:
    if not request.HasField("house"):
        raise InvalidDocument([_MISSING])
    _check_no_unknown_fields(request.house)
    return _house_of(request.house)


def _house_of(message: HouseMessage) -> AnyHouse:
    document: dict[str, Any] = {}
    invalid: dict[str, Finding] = {}
    for value, (name, key, words, is_nullable) in zip(_values_of(message), _READERS, strict=True):
        if not value and not message.HasField(name):
            if is_nullable:
                document[key] = None
        elif words is None:
            document[key] = value
        elif value in words:
            document[key] = words[value]
        else:
            invalid[key] = _invalid_number(key, value)
    if not invalid:
        try:
            return cast("AnyHouse", msgspec.convert(document, HouseRecord))
        except msgspec.ValidationError:
            pass
    return _validate(document, invalid)


def _validate(document: dict[str, Any], invalid: dict[str, Finding]) -> House:
    """Validate a house with pydantic, which explains each error; `invalid` has the findings about enums."""
    # Any word will do here: the findings about these fields are known.
    placeholders = {key: next(iter(WORDS_OF_KEY[key].values())) for key in invalid}
    findings = list(invalid.values())
    try:
        house = House.model_validate(document | placeholders)
    except ValidationError as error:
        findings += findings_of(error, "body")
    else:
        if not findings:
            return house
    findings.sort(key=lambda finding: _POSITIONS.get(finding["loc"][-1], len(_POSITIONS)))
    raise InvalidDocument(findings[:MAX_FINDINGS], max(0, len(findings) - MAX_FINDINGS))


def _invalid_number(key: str, number: int) -> Finding:
    field: HouseField = _FIELDS[_POSITIONS[key]]
    hint = "; leave the field out if the house has none" if field.is_nullable else ""
    return {
        "type": "enum",
        "loc": ("body", key),
        "msg": f"{name_of_number(key, number)} is not accepted; use {', '.join(names_of_values(key))}{hint}",
        "input": number,
    }
