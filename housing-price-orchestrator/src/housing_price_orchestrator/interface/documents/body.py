"""Receives the body of a request, within limits of kind, size and time."""

import asyncio
import re

from fastapi import Request
from starlette.requests import ClientDisconnect

from housing_price_orchestrator.shared.errors import DocumentTooLarge, DocumentTooSlow, UnsupportedMediaType

JSON = "application/json"
NDJSON = "application/x-ndjson"

BODY_INCOMPLETE = "body_incomplete"
"""Stands in the state of a request whose body was not there as a whole together with its head."""

_JSON_RELATIVE = re.compile(r"application/[\w.+-]+\+json")


def check_media_type(request: Request, expected: str) -> None:
    """Take a body that is not declared, or declared to be `expected` or its `+json` relatives, and not compressed.

    Raises:
        UnsupportedMediaType: it is declared to be something else.
    """
    # One look at what came in: a lookup by name would go through all of it for each name.
    for name, value in request.scope["headers"]:
        if name == b"content-type":
            declared = value.decode("latin-1")
            if declared != expected and not _is_accepted(declared, expected):
                raise UnsupportedMediaType(expected)
        elif name == b"content-encoding" and value.lower() != b"identity":
            raise UnsupportedMediaType(expected)


def _is_accepted(declared: str, expected: str) -> bool:
    media_type = declared.partition(";")[0].strip().lower()
    return media_type == expected or (expected == JSON and _JSON_RELATIVE.fullmatch(media_type) is not None)


async def read_body(request: Request, *, max_bytes: int, timeout_seconds: float) -> bytes:
    """Receive a JSON body.

    Raises:
        UnsupportedMediaType: it is declared to be something else, or to be compressed.
        DocumentTooLarge: it is larger than `max_bytes`. The rest is left to the connection, which throws it away,
            within bounds, so that the caller, who is still sending, sees the answer.
        DocumentTooSlow: it was not there within `timeout_seconds`.
    """
    check_media_type(request, JSON)
    first, more = b"", True
    if BODY_INCOMPLETE not in request.scope["state"]:
        # Nearly every house is there as a whole before it is asked for, and is spared the cost of a time limit.
        first, more = await _receive(request)
        if not more and len(first) <= max_bytes:
            return first
    declared_bytes = request.headers.get("content-length", "")
    if declared_bytes.isdecimal() and int(declared_bytes) > max_bytes:
        raise DocumentTooLarge(max_bytes)
    try:
        async with asyncio.timeout(timeout_seconds):
            return await _read_rest(request, first, more=more, max_bytes=max_bytes)
    except TimeoutError as error:
        raise DocumentTooSlow(f"the body was not there after {timeout_seconds} s") from error


async def _receive(request: Request) -> tuple[bytes, bool]:
    message = await request.receive()
    if message["type"] == "http.disconnect":
        raise ClientDisconnect
    return message.get("body", b""), message.get("more_body", False)


async def _read_rest(request: Request, first: bytes, *, more: bool, max_bytes: int) -> bytes:
    chunks = [first]
    size = len(first)
    while True:
        if size > max_bytes:
            raise DocumentTooLarge(max_bytes)
        if not more:
            break
        chunk, more = await _receive(request)
        size += len(chunk)
        chunks.append(chunk)
    return b"".join(chunks)
