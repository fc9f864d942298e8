"""Receives the body of a request, with limits on content type, size and time."""

import asyncio
import re
from typing import Final

from fastapi import Request
from starlette.requests import ClientDisconnect

from housing_price_orchestrator.shared.errors import DocumentTooLarge, DocumentTooSlow, UnsupportedMediaType

JSON: Final = "application/json"
NDJSON: Final = "application/x-ndjson"

BODY_INCOMPLETE: Final = "body_incomplete"
"""Key in the state of a request whose body did not arrive completely together with its head."""

_JSON_RELATIVE: Final = re.compile(r"application/[\w.+-]+\+json")


def check_media_type(request: Request, expected: str) -> None:
    """Accept `expected` (for JSON also `application/*+json`) or no content type at all, without compression.

    Raises:
        UnsupportedMediaType: The content type or encoding is a different one.
    """
    # One pass over the raw headers: each lookup by name would scan all of them.
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
        UnsupportedMediaType: The body is not JSON, or is compressed.
        DocumentTooLarge: The body is larger than `max_bytes`. The connection discards the rest, within limits, so that
            a client that is still sending can read the response.
        DocumentTooSlow: The body did not arrive within `timeout_seconds`.
    """
    check_media_type(request, JSON)
    first, more = b"", True
    if BODY_INCOMPLETE not in request.scope["state"]:
        # Fast path without a timeout: nearly every body of a single house arrives together with its head.
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
        raise DocumentTooSlow(f"the body did not arrive within {timeout_seconds} s") from error


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
