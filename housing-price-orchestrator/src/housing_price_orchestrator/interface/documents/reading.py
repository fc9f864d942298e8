"""From the bytes of a body to validated houses, strictly.

`HouseRecord` reads what is right, fast; what it does not take is read by `House`, which has the last word and says what
is wrong. Both parse JSON strictly but for one gap: of two equal keys they keep the last. No word that a house may hold
has a colon or a brace in it (a test says so), which closes the gap cheaply: a house that is valid has as many colons as
keys, unless a key stands twice. The same lets a batch be cut into houses without parsing it first, so that a large one
is read in slices between which other requests go on.
"""

import asyncio
import re
from collections.abc import Mapping
from itertools import islice
from typing import Any, cast

import jiter
import msgspec
from pydantic import ValidationError

from housing_price_orchestrator.shared.errors import MAX_FINDINGS, InvalidDocument
from housing_price_orchestrator.shared.view.house import MAX_BATCH_HOUSES, House, HouseBatch
from housing_price_orchestrator.shared.view.record import KEYS, AnyHouse, HouseRecord

CHUNK_BYTES = 512 * 1024
"""So much of a batch is read by the record at a time: about 1 ms of work."""

HOUSES_PER_SLICE = 32
"""Houses judged one by one between two looks at the event loop: about 1 ms of work where they are wrong."""

MAX_IRREGULAR_BYTES = 1024 * 1024
"""A batch that is irregular in its form is parsed as a whole, which nothing can interrupt: up to this size only."""

_SPACE = rb"[ \t\n\r]*"
_HEAD = re.compile(_SPACE + rb"\{" + _SPACE + rb'"data"' + _SPACE + rb":" + _SPACE + rb"\[" + _SPACE)
_NEXT = re.compile(_SPACE + rb"," + _SPACE)
_TAIL = re.compile(_SPACE + rb"\]" + _SPACE + rb"\}" + _SPACE)

_house = House.__pydantic_validator__
_batch = HouseBatch.__pydantic_validator__
_record = msgspec.json.Decoder(HouseRecord)
_records = msgspec.json.Decoder(list[HouseRecord])  # type: ignore[valid-type]  # a class made at run time

# What the record's reader may raise for bytes that it does not take.
_DECODE_ERRORS = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)

type Finding = Mapping[str, Any]

_NO_BODY: Finding = {"type": "missing", "loc": ("body",), "msg": "Field required", "input": None}


class _IrregularBatch(Exception):
    """The batch cannot be cut into houses; the number is where in its bytes."""

    def __init__(self, position: int) -> None:
        super().__init__(position)
        self.position = position


class _Findings:
    """What is wrong with a document: the first findings, and how many more there are."""

    def __init__(self) -> None:
        self._listed: list[Finding] = []
        self._omitted = 0
        self.houses = 0

    def add(self, error: ValidationError, *prefix: int | str) -> None:
        """Note the findings of one more house."""
        self.houses += 1
        room = MAX_FINDINGS - len(self._listed)
        if room <= 0:
            self._omitted += error.error_count()
            return
        found = _with_prefix(prefix, error)
        self._listed += found[:room]
        self._omitted += max(0, len(found) - room)

    def raise_if_any(self) -> None:
        if self._listed:
            raise InvalidDocument(self._listed, self._omitted)


def read_house(body: bytes) -> AnyHouse:
    """Read one house.

    Raises:
        InvalidDocument: names every field that is wrong, in the caller's spelling, below `body`.
    """
    if body.count(b":") == KEYS:
        try:
            return cast("AnyHouse", _record.decode(body))
        except _DECODE_ERRORS:
            pass
    if not body.strip(b" \t\n\r"):
        raise InvalidDocument([_NO_BODY])
    findings = _Findings()
    try:
        return _validate_house(body)
    except ValidationError as error:
        if _is_json_error(error):
            raise _json_error(error) from error
        findings.add(error, "body")
        findings.raise_if_any()
        raise


async def read_houses(body: bytes) -> list[AnyHouse]:
    """Read a batch.

    Raises:
        InvalidDocument: names every field that is wrong, below `body`, `data` and the number of the house.
    """
    houses: list[AnyHouse] = []
    findings = _Findings()
    try:
        start, end = _bounds_of_houses(body)
        while start < end:
            stop = body.find(b"}", start + CHUNK_BYTES, end) + 1 or end
            if not _decode_chunk(body, start, stop, houses, findings):
                await _validate_chunk(body, start, stop, houses, findings)
            await asyncio.sleep(0)
            if stop == end:
                break
            start = _after_comma(body, stop)
    except _IrregularBatch as irregular:
        return await _read_irregular(body, irregular.position)
    findings.raise_if_any()
    return houses


def _bounds_of_houses(body: bytes) -> tuple[int, int]:
    """Find where the houses of a batch begin and end."""
    head = _HEAD.match(body)
    if head is None:
        raise _IrregularBatch(0)
    # The last house ends with the last brace but one.
    end = body.rfind(b"}", head.end(), max(head.end(), body.rfind(b"}"))) + 1
    if end == 0 or _TAIL.fullmatch(body, end) is None:
        raise _IrregularBatch(max(end, head.end()))
    return head.end(), end


def _after_comma(body: bytes, position: int) -> int:
    comma = _NEXT.match(body, position)
    if comma is None:
        raise _IrregularBatch(position)
    return comma.end()


def _decode_chunk(body: bytes, start: int, stop: int, houses: list[AnyHouse], findings: _Findings) -> bool:
    """Read some houses at once; tell whether they were all right."""
    # Copied once: a large batch is looked through several times, and each time takes long.
    text = b"".join((b"[", memoryview(body)[start:stop], b"]"))
    try:
        records = cast("list[AnyHouse]", _records.decode(text))
    except _DECODE_ERRORS:
        return False
    if text.count(b":") != KEYS * len(records):
        return False
    if len(houses) + findings.houses + len(records) > MAX_BATCH_HOUSES:
        raise InvalidDocument([_too_many()])
    houses += records
    return True


async def _validate_chunk(body: bytes, start: int, stop: int, houses: list[AnyHouse], findings: _Findings) -> None:
    """Read some houses one by one, and note what is wrong with each."""
    while True:
        end = body.find(b"}", start, stop) + 1
        number = len(houses) + findings.houses
        if end == 0:
            raise _IrregularBatch(start)
        if number == MAX_BATCH_HOUSES:
            raise InvalidDocument([_too_many()])
        text = body[start:end]
        try:
            houses.append(_validate_house(text))
        except ValidationError as error:
            if _is_json_error(error):
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


async def _read_irregular(body: bytes, position: int) -> list[AnyHouse]:
    """Read a batch that is irregular in its form, or wrong, so as to say what is wrong."""
    if len(body) > MAX_IRREGULAR_BYTES:
        reason = f'a large batch is {{"data": [house, ...]}} and nothing else, but at byte {position} it is not'
        raise InvalidDocument([_invalid_json(reason)])
    if not body.strip(b" \t\n\r"):
        raise InvalidDocument([_NO_BODY])
    document = parse_strictly(body)
    entries = document.get("data") if isinstance(document, dict) and len(document) == 1 else None
    findings = _Findings()
    if not isinstance(entries, list) or not entries:
        # Something is wrong above the houses, so that a few of them and of the keys tell it.
        if isinstance(document, dict):
            some = dict(islice(document.items(), MAX_FINDINGS))
            if isinstance(document.get("data"), list):
                some["data"] = document["data"][:1]
            document = some
        try:
            _batch.validate_python(document)
        except ValidationError as error:
            findings.add(error, "body")
        findings.raise_if_any()
        raise AssertionError("a batch without houses or with other keys cannot be valid")
    if len(entries) > MAX_BATCH_HOUSES:
        raise InvalidDocument([_too_many(len(entries))])
    houses: list[AnyHouse] = []
    for number, entry in enumerate(entries):
        try:
            houses.append(_house.validate_python(entry))
        except ValidationError as error:
            findings.add(error, "body", "data", number)
        if number % HOUSES_PER_SLICE == 0:
            await asyncio.sleep(0)
    findings.raise_if_any()
    return houses


def _validate_house(text: bytes) -> House:
    """Read one house by the contract; raises pydantic's error, or `InvalidDocument` for a key that stands twice."""
    house: House = _house.validate_json(text)
    if text.count(b":") != len(house.model_fields_set):
        parse_strictly(text)
    return house


def parse_strictly(body: bytes) -> Any:
    """Parse JSON; refuses equal keys, NaN and Infinity, and what is not UTF-8."""
    try:
        return jiter.from_json(body, allow_inf_nan=False, catch_duplicate_keys=True)
    except ValueError as error:
        raise InvalidDocument([_invalid_json(str(error))]) from error


def _is_json_error(error: ValidationError) -> bool:
    return error.error_count() == 1 and error.errors(include_url=False)[0]["type"] == "json_invalid"


def _json_error(error: ValidationError) -> InvalidDocument:
    return InvalidDocument([_invalid_json(error.errors(include_url=False)[0]["ctx"]["error"])])


def _with_prefix(prefix: tuple[int | str, ...], error: ValidationError) -> list[Finding]:
    return [{**finding, "loc": (*prefix, *finding["loc"])} for finding in error.errors(include_url=False)]


def _invalid_json(reason: str) -> Finding:
    return {"type": "json_invalid", "loc": ("body",), "msg": "JSON decode error", "ctx": {"error": reason[:400]}}


def _too_many(count: int | None = None) -> Finding:
    context: dict[str, Any] = {"field_type": "List", "max_length": MAX_BATCH_HOUSES}
    message = f"List should have at most {MAX_BATCH_HOUSES} items after validation"
    if count is not None:
        context["actual_length"] = count
        message += f", not {count}"
    return {"type": "too_long", "loc": ("body", "data"), "msg": message, "ctx": context}
