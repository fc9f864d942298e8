"""Strict parsing of a request body into the validated houses of a batch.

No allowed value of a house contains a brace (a test checks this), so a batch can be split into houses before it is
parsed: a large one is read in slices, and other requests are served in between. `reading.py` parses one house.
"""

import asyncio
import re
from itertools import islice
from typing import Any, Final, cast

import msgspec
from pydantic import ValidationError

from housing_price_orchestrator.interface.documents.reading import (
    DECODE_ERRORS,
    MAX_COLONS,
    TOO_MANY_KEYS,
    house_validator,
    validate_house,
)
from housing_price_orchestrator.interface.documents.strict_json import invalid_json, parse_strictly
from housing_price_orchestrator.interface.documents.wrong_operation import PRICES, OperationPair, is_one_house
from housing_price_orchestrator.interface.findings import Finding, findings_of, json_error_of
from housing_price_orchestrator.shared.errors import BODY_MISSING, MAX_FINDINGS, InvalidDocument
from housing_price_orchestrator.shared.view.house import HouseBatch
from housing_price_orchestrator.shared.view.record import KEY_COUNT, AnyHouse, HouseRecord
from housing_price_survey.tabular.encoding import BYTE_ORDER_MARK

CHUNK_BYTES: Final = 512 * 1024
"""Part of a batch decoded before yielding to the event loop: about 1 ms of work."""

HOUSES_PER_SLICE: Final = 32
"""Houses validated one by one before yielding to the event loop: about 1 ms of work if they are invalid."""

MAX_IRREGULAR_BYTES: Final = 1024 * 1024
"""Maximum size of a batch that cannot be split into houses; parsing it as a whole blocks the event loop."""

_SPACE: Final = rb"[ \t\n\r]*"
_BATCH_START: Final = re.compile(_SPACE + rb"\{" + _SPACE + rb'"data"' + _SPACE + rb":" + _SPACE + rb"\[" + _SPACE)
_COMMA: Final = re.compile(_SPACE + rb"," + _SPACE)
_BATCH_END: Final = re.compile(_SPACE + rb"\]" + _SPACE + rb"\}" + _SPACE)

_batch_validator = HouseBatch.__pydantic_validator__
_houses_decoder = msgspec.json.Decoder(list[HouseRecord])  # type: ignore[valid-type]  # a class made at run time


class _IrregularBatch(Exception):
    """The batch cannot be split into houses; `position` is the byte offset where splitting failed."""

    def __init__(self, position: int) -> None:
        super().__init__(position)
        self.position = position


class _Findings:
    """Collects validation errors: the first `MAX_FINDINGS`, and the number of the others."""

    def __init__(self) -> None:
        self._listed: list[Finding] = []
        self._omitted = 0
        self.invalid_houses = 0

    def add(self, error: ValidationError, *prefix: int | str) -> None:
        """Add the findings of one house."""
        self.invalid_houses += 1
        room = MAX_FINDINGS - len(self._listed)
        if room <= 0:
            self._omitted += error.error_count()
            return
        found = findings_of(error, *prefix)
        self._listed += found[:room]
        self._omitted += max(0, len(found) - room)

    def raise_if_any(self) -> None:
        if self._listed:
            raise InvalidDocument(self._listed, self._omitted)


async def read_houses(body: bytes, *, is_start: bool = True, operations: OperationPair = PRICES) -> list[AnyHouse]:
    """Parse a batch of at most `operations.max_houses`; for the other arguments see `read_house`.

    Raises:
        InvalidDocument: Lists every invalid field, below `body`, `data` and the index of the house.
    """
    houses: list[AnyHouse] = []
    findings = _Findings()
    max_houses = operations.max_houses
    try:
        start, end = _bounds_of_houses(body)
        while start < end:
            stop = body.find(b"}", start + CHUNK_BYTES, end) + 1 or end
            if not _decode_chunk(body, start, stop, houses, findings, max_houses=max_houses):
                await _validate_chunk(body, start, stop, houses, findings, max_houses=max_houses)
            await asyncio.sleep(0)
            if stop == end:
                break
            start = _after_comma(body, stop)
    except _IrregularBatch as error:
        if is_start and body.startswith(BYTE_ORDER_MARK):
            return await read_houses(body.removeprefix(BYTE_ORDER_MARK), is_start=False, operations=operations)
        return await _read_irregular(body, error.position, operations)
    findings.raise_if_any()
    return houses


def _bounds_of_houses(body: bytes) -> tuple[int, int]:
    """Return where the houses of a batch start and end."""
    head = _BATCH_START.match(body)
    if head is None:
        raise _IrregularBatch(0)
    # The last house ends with the second-to-last closing brace.
    end = body.rfind(b"}", head.end(), max(head.end(), body.rfind(b"}"))) + 1
    if end == 0 or _BATCH_END.fullmatch(body, end) is None:
        raise _IrregularBatch(max(end, head.end()))
    return head.end(), end


def _after_comma(body: bytes, position: int) -> int:
    comma = _COMMA.match(body, position)
    if comma is None:
        raise _IrregularBatch(position)
    return comma.end()


def _decode_chunk(
    body: bytes, start: int, stop: int, houses: list[AnyHouse], findings: _Findings, *, max_houses: int
) -> bool:
    """Decode part of a batch and add its houses; return False, and add none, unless all are valid."""
    # Copied only once: each copy of a large batch takes long.
    text = b"".join((b"[", memoryview(body)[start:stop], b"]"))
    try:
        records = cast("list[AnyHouse]", _houses_decoder.decode(text))
    except DECODE_ERRORS:
        return False
    if text.count(b":") != KEY_COUNT * len(records):
        return False
    if len(houses) + findings.invalid_houses + len(records) > max_houses:
        raise InvalidDocument([_too_many(max_houses)])
    houses += records
    return True


async def _validate_chunk(
    body: bytes, start: int, stop: int, houses: list[AnyHouse], findings: _Findings, *, max_houses: int
) -> None:
    """Validate part of a batch house by house and collect the findings."""
    while True:
        end = body.find(b"}", start, stop) + 1
        number = len(houses) + findings.invalid_houses
        if end == 0:
            raise _IrregularBatch(start)
        if number == max_houses:
            raise InvalidDocument([_too_many(max_houses)])
        text = body[start:end]
        try:
            houses.append(validate_house(text))
        except ValidationError as error:
            if json_error_of(error) is not None:
                raise _IrregularBatch(start) from error
            findings.add(error, "body", "data", number)
        except InvalidDocument as error:
            raise InvalidDocument(
                [{**finding, "loc": ("body", "data", number)} for finding in error.findings]
            ) from error
        if number % HOUSES_PER_SLICE == 0:
            await asyncio.sleep(0)
        if end == stop:
            return
        start = _after_comma(body, end)


async def _read_irregular(body: bytes, position: int, operations: OperationPair) -> list[AnyHouse]:
    """Parse a batch as a whole: one with unusual formatting, or an invalid one, to report its errors."""
    if len(body) > MAX_IRREGULAR_BYTES:
        reason = f'a large batch must have the form {{"data": [house, ...]}}; it differs at byte {position}'
        raise InvalidDocument([invalid_json(reason)])
    if not body.strip(b" \t\n\r"):
        raise InvalidDocument([BODY_MISSING])
    document = parse_strictly(body)
    if is_one_house(document):
        raise InvalidDocument([operations.batch_expected])
    entries = document.get("data") if isinstance(document, dict) and len(document) == 1 else None
    findings = _Findings()
    if not isinstance(entries, list) or not entries:
        # The error is above the level of the houses, so validating a part of the document is enough to report it.
        if isinstance(document, dict):
            part = dict(islice(document.items(), MAX_FINDINGS))
            if isinstance(document.get("data"), list):
                part["data"] = document["data"][:1]
            document = part
        try:
            _batch_validator.validate_python(document)
        except ValidationError as error:
            findings.add(error, "body")
        findings.raise_if_any()
        raise AssertionError("a batch without houses or with unknown keys cannot be valid")
    if len(entries) > operations.max_houses:
        raise InvalidDocument([_too_many(operations.max_houses, len(entries))])
    houses: list[AnyHouse] = []
    for number, entry in enumerate(entries):
        if isinstance(entry, dict) and len(entry) > MAX_COLONS:
            raise InvalidDocument([{**TOO_MANY_KEYS, "loc": ("body", "data", number)}])
        try:
            houses.append(house_validator.validate_python(entry))
        except ValidationError as error:
            findings.add(error, "body", "data", number)
        if number % HOUSES_PER_SLICE == 0:
            await asyncio.sleep(0)
    findings.raise_if_any()
    return houses


def _too_many(max_houses: int, count: int | None = None) -> Finding:
    context: dict[str, Any] = {"field_type": "List", "max_length": max_houses}
    message = f"List should have at most {max_houses} items after validation"
    if count is not None:
        context["actual_length"] = count
        message += f", not {count}"
    return {"type": "too_long", "loc": ("body", "data"), "msg": message, "ctx": context}
