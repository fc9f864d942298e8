"""Receives the body of a request, within limits of kind, size and time."""

import asyncio
import contextlib
import re

from fastapi import Request
from starlette.requests import ClientDisconnect

from housing_price_orchestrator.shared.errors import DocumentTooLarge, DocumentTooSlow, UnsupportedMediaType

JSON = "application/json"
NDJSON = "application/x-ndjson"

_JSON_RELATIVE = re.compile(r"application/[\w.+-]+\+json")
_MAX_DRAINED_BYTES = 16 * 1024 * 1024
_MAX_DRAINING_SECONDS = 2.0


def check_media_type(request: Request, expected: str) -> None:
    """Take a body that is not declared, or declared to be `expected` or its `+json` relatives, and not compressed.

    Raises:
        UnsupportedMediaType: it is declared to be something else.
    """
    headers = request.headers
    declared = headers.get("content-type", expected)
    if declared != expected:
        media_type = declared.partition(";")[0].strip().lower()
        if media_type != expected and not (expected == JSON and _JSON_RELATIVE.fullmatch(media_type)):
            raise UnsupportedMediaType(expected)
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise UnsupportedMediaType(expected)


async def read_body(request: Request, *, limit_bytes: int, limit_seconds: float) -> bytes:
    """Receive a JSON body.

    Raises:
        UnsupportedMediaType: it is declared to be something else, or to be compressed.
        DocumentTooLarge: it is larger than `limit_bytes`; the rest was received and thrown away, within bounds, so that
            the caller, who is still sending, sees the answer.
        DocumentTooSlow: it was not there within `limit_seconds`.
    """
    check_media_type(request, JSON)
    message = await _receive(request)
    if not message[1] and len(message[0]) <= limit_bytes:
        # Nearly every house comes in one piece.
        return message[0]
    try:
        async with asyncio.timeout(limit_seconds):
            return await _read_on(request, message[0], more=message[1], limit_bytes=limit_bytes)
    except TimeoutError as error:
        raise DocumentTooSlow(f"the body was not there after {limit_seconds} s") from error


async def drain(request: Request) -> None:
    """Receive a body that nobody wants, within bounds, so that a caller who is still sending sees the answer.

    Who asked first whether to send it (`Expect: 100-continue`) is answered at once, and need not send it.
    """
    if "expect" in request.headers:
        return
    size = 0
    more = True
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_MAX_DRAINING_SECONDS):
            while more and size <= _MAX_DRAINED_BYTES:
                chunk, more = await _receive(request)
                size += len(chunk)


async def _receive(request: Request) -> tuple[bytes, bool]:
    message = await request.receive()
    if message["type"] == "http.disconnect":
        raise ClientDisconnect
    return message.get("body", b""), message.get("more_body", False)


async def _read_on(request: Request, first: bytes, *, more: bool, limit_bytes: int) -> bytes:
    chunks = [first]
    size = len(first)
    while more and size <= limit_bytes + _MAX_DRAINED_BYTES:
        chunk, more = await _receive(request)
        size += len(chunk)
        if size <= limit_bytes:
            chunks.append(chunk)
        else:
            chunks.clear()
    if size > limit_bytes:
        raise DocumentTooLarge(limit_bytes)
    return b"".join(chunks)
