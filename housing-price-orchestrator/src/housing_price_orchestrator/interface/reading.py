"""From the bytes of a body to a validated document, strictly.

pydantic parses JSON itself and is told nothing twice, with one gap: of two equal keys it keeps the last. No word that a
house may hold has a colon or a brace in it (a test says so), which closes the gap cheaply: a document that is valid has
exactly as many colons as it has keys, unless a key stands twice. Then the slow reader says which.
"""

import asyncio
import re
from collections.abc import Mapping
from typing import Any

import jiter
from fastapi import Request
from pydantic import ValidationError
from starlette.requests import ClientDisconnect

from housing_price_orchestrator.shared.errors import DocumentTooLarge, InvalidDocument, UnsupportedMediaType
from housing_price_orchestrator.shared.view.house import MAX_BATCH_HOUSES, House, HouseBatch

HOUSES_PER_SLICE = 64
"""Houses read between two looks at the event loop: about 1 ms of work."""

_SMALL_BYTES = 64 * 1024
_MAX_DRAINED_BYTES = 64 * 1024 * 1024

_JSON_RELATIVE = re.compile(r"application/[\w.+-]+\+json")

_SPACE = rb"[ \t\n\r]*"
_HEAD = re.compile(_SPACE + rb"\{" + _SPACE + rb'"data"' + _SPACE + rb":" + _SPACE + rb"\[" + _SPACE)
_NEXT = re.compile(_SPACE + rb"," + _SPACE)
_TAIL = re.compile(_SPACE + rb"\]" + _SPACE + rb"\}" + _SPACE)

_house = House.__pydantic_validator__
_batch = HouseBatch.__pydantic_validator__

type Finding = Mapping[str, Any]


def check_media_type(request: Request, expected: str) -> None:
    """Take a body that is not declared, or declared to be `expected` or its `+json` relatives, and not compressed.

    Raises:
        UnsupportedMediaType: it is declared to be something else.
    """
    headers = request.headers
    declared = headers.get("content-type", expected)
    if declared != expected:
        media_type = declared.partition(";")[0].strip().lower()
        if media_type != expected and not (expected == "application/json" and _JSON_RELATIVE.fullmatch(media_type)):
            raise UnsupportedMediaType(f"content type {media_type[:100]!r}")
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise UnsupportedMediaType("a compressed body")


async def read_body(request: Request, *, limit_bytes: int) -> bytes:
    """Read a JSON body.

    Raises:
        UnsupportedMediaType: it is declared to be something else, or to be compressed.
        DocumentTooLarge: it is larger than `limit_bytes`; the rest was read and thrown away, so that the caller, who is
            still sending, sees the answer.
    """
    check_media_type(request, "application/json")
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        chunk = message.get("body", b"")
        size += len(chunk)
        if size <= limit_bytes:
            chunks.append(chunk)
        else:
            chunks.clear()
        if not message.get("more_body", False) or size > limit_bytes + _MAX_DRAINED_BYTES:
            break
    if size > limit_bytes:
        raise DocumentTooLarge(limit_bytes)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def read_house(body: bytes) -> House:
    """Read one house.

    Raises:
        InvalidDocument: names every field that is wrong, in the caller's spelling, below `body`.
    """
    try:
        house: House = _house.validate_json(body)
    except ValidationError as error:
        raise InvalidDocument(_findings(error, body, "body")) from error
    if body.count(b":") != len(house.model_fields_set):
        _parse(body)
    return house


async def read_houses(body: bytes) -> list[House]:
    """Read a batch. A large one is read in slices, so that other requests go on meanwhile.

    Raises:
        InvalidDocument: names every field that is wrong, below `body`, `data` and the number of the house.
    """
    if len(body) <= _SMALL_BYTES:
        return _read_small(body)
    houses = await _read_in_slices(body)
    return await _read_carefully(body) if houses is None else houses


def _read_small(body: bytes) -> list[House]:
    try:
        batch: HouseBatch = _batch.validate_json(body)
    except ValidationError as error:
        raise InvalidDocument(_findings(error, body, "body")) from error
    if body.count(b":") != 1 + sum(len(house.model_fields_set) for house in batch.data):
        _parse(body)
    return batch.data


async def _read_in_slices(body: bytes) -> list[House] | None:
    """Read house by house where the batch looks as it should; None where it does not."""
    match = _HEAD.match(body)
    houses: list[House] = []
    findings: list[Finding] = []
    position = 0
    while match is not None:
        start = match.end()
        end = body.find(b"}", start) + 1
        text = body[start:end]
        try:
            house: House = _house.validate_json(text)
        except ValidationError as error:
            found = error.errors(include_url=False)
            if end == 0 or found[0]["type"] == "json_invalid":
                return None
            findings += _below(("body", "data", position), found)
        else:
            if text.count(b":") != len(house.model_fields_set):
                return None
            houses.append(house)
        position += 1
        if position % HOUSES_PER_SLICE == 0:
            await asyncio.sleep(0)
        match = _NEXT.match(body, end)
        if match is None and _TAIL.fullmatch(body, end) and position <= MAX_BATCH_HOUSES:
            if findings:
                raise InvalidDocument(findings)
            return houses
        if position > MAX_BATCH_HOUSES:
            raise InvalidDocument([_too_many()])
    return None


async def _read_carefully(body: bytes) -> list[House]:
    """Read a batch that is unusual in its form, or wrong, so as to say what is wrong."""
    document = _parse(body)
    entries = document.get("data") if isinstance(document, dict) and len(document) == 1 else None
    if not isinstance(entries, list) or not entries:
        return _validate_whole(document)
    if len(entries) > MAX_BATCH_HOUSES:
        raise InvalidDocument([_too_many(len(entries))])
    houses: list[House] = []
    findings: list[Finding] = []
    for position, entry in enumerate(entries):
        try:
            houses.append(_house.validate_python(entry))
        except ValidationError as error:
            findings += _below(("body", "data", position), error.errors(include_url=False))
        if position % HOUSES_PER_SLICE == 0:
            await asyncio.sleep(0)
    if findings:
        raise InvalidDocument(findings)
    return houses


def _validate_whole(document: Any) -> list[House]:
    try:
        batch: HouseBatch = _batch.validate_python(document)
    except ValidationError as error:
        raise InvalidDocument(_below(("body",), error.errors(include_url=False))) from error
    return batch.data


def _parse(body: bytes) -> Any:
    """Parse JSON; refuses equal keys, NaN and Infinity, and what is not UTF-8."""
    try:
        return jiter.from_json(body, allow_inf_nan=False, catch_duplicate_keys=True)
    except ValueError as error:
        raise InvalidDocument([_broken(str(error))]) from error


def _findings(error: ValidationError, body: bytes, *prefix: int | str) -> list[Finding]:
    if not body.strip(b" \t\n\r"):
        return [{"type": "missing", "loc": prefix, "msg": "Field required", "input": None}]
    found = error.errors(include_url=False)
    return [_broken(found[0]["ctx"]["error"])] if found[0]["type"] == "json_invalid" else _below(prefix, found)


def _below(prefix: tuple[int | str, ...], found: list[Any]) -> list[Finding]:
    return [{**finding, "loc": (*prefix, *finding["loc"])} for finding in found]


def _broken(reason: str) -> Finding:
    return {"type": "json_invalid", "loc": ("body",), "msg": "JSON decode error", "ctx": {"error": reason[:400]}}


def _too_many(count: int | None = None) -> Finding:
    context: dict[str, Any] = {"field_type": "List", "max_length": MAX_BATCH_HOUSES}
    message = f"List should have at most {MAX_BATCH_HOUSES} items after validation"
    if count is not None:
        context["actual_length"] = count
        message += f", not {count}"
    return {"type": "too_long", "loc": ("body", "data"), "msg": message, "ctx": context}
