"""Receives the body of a request, with limits on content type, size and time.

Browsers send a body without a declared type to other origins without asking first (a CORS preflight), so a body needs
its type. Only prices and valuations accept a body without one, and only from programs that are not browsers.
"""

import asyncio
import re
from collections.abc import Awaitable
from typing import Final

from fastapi import Request
from starlette.requests import ClientDisconnect

from housing_price_orchestrator.shared.errors import DocumentTooLarge, DocumentTooSlow, UnsupportedMediaType

JSON: Final = "application/json"
NDJSON: Final = "application/x-ndjson"

BODY_INCOMPLETE: Final = "body_incomplete"
"""Key in the state of a request whose body did not arrive completely together with its head."""

_JSON_RELATIVE: Final = re.compile(r"application/[\w.+-]+\+json")


OWN_FETCH_SITES: Final = (b"same-origin", b"none")
"""Values of `Sec-Fetch-Site` for requests that no page of another origin sends: of a page of this service, or typed."""


def check_price_media_type(request: Request, expected: str) -> None:
    """Accept `expected` as `check_media_type` does, and no content type unless a page in a browser sends the request.

    Raises:
        UnsupportedMediaType: The content type or encoding is a different one, or a page declares none.
    """
    if not check_media_type(request, expected) and any(
        name == b"origin" or (name == b"sec-fetch-site" and value not in OWN_FETCH_SITES)
        for name, value in request.scope["headers"]
    ):
        raise UnsupportedMediaType(expected, is_declared=False)


def check_media_type(request: Request, expected: str) -> bool:
    """Accept `expected` (for JSON also `application/*+json`) without compression; return whether a type is declared.

    Raises:
        UnsupportedMediaType: The content type or encoding is a different one.
    """
    is_declared = False
    # One pass over the raw headers: each lookup by name would scan all of them.
    for name, value in request.scope["headers"]:
        if name == b"content-type":
            is_declared = True
            declared = value.decode("latin-1")
            if declared != expected and not _is_accepted(declared, expected):
                raise UnsupportedMediaType(expected)
        elif name == b"content-encoding" and value.lower() != b"identity":
            raise UnsupportedMediaType(expected)
    return is_declared


def _is_accepted(declared: str, expected: str) -> bool:
    media_type = declared.partition(";")[0].strip().lower()
    return media_type == expected or (expected == JSON and _JSON_RELATIVE.fullmatch(media_type) is not None)


def read_price_body(request: Request, *, max_bytes: int, timeout_seconds: float) -> Awaitable[bytes]:
    """Receive the JSON body of a price operation.

    Raises:
        HousingPriceError: The same errors as `read_body`, but only pages in browsers must declare the type.
    """
    check_price_media_type(request, JSON)
    return _receive_body(request, max_bytes=max_bytes, timeout_seconds=timeout_seconds)


async def read_body(request: Request, *, max_bytes: int, timeout_seconds: float) -> bytes:
    """Receive a JSON body, which may be empty.

    Raises:
        UnsupportedMediaType: The body is not declared as JSON, or is compressed. An empty body needs no type.
        DocumentTooLarge: The body is larger than `max_bytes`. The connection discards the rest, within limits, so that
            a client that is still sending can read the response.
        DocumentTooSlow: The body did not arrive within `timeout_seconds`.
    """
    is_declared = check_media_type(request, JSON)
    if not is_declared and request.headers.get("content-length", "").strip("0"):
        raise UnsupportedMediaType(JSON, is_declared=False)
    body = await _receive_body(request, max_bytes=max_bytes, timeout_seconds=timeout_seconds)
    if body and not is_declared:
        raise UnsupportedMediaType(JSON, is_declared=False)
    return body


async def _receive_body(request: Request, *, max_bytes: int, timeout_seconds: float) -> bytes:
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
