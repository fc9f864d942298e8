"""Receives an uploaded file in chunks, with limits on size and time."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

from fastapi import Request
from starlette.requests import ClientDisconnect

from housing_price_orchestrator.shared.errors import DocumentTooLarge, DocumentTooSlow


@dataclass(frozen=True, slots=True)
class UploadLimits:
    """Limits of an uploaded job file."""

    file_bytes: int
    """Maximum size."""
    idle_seconds: float
    """Maximum time without any data."""
    total_seconds: float
    """Maximum time for the whole upload."""


async def body_parts(request: Request, limits: UploadLimits) -> AsyncIterator[bytes]:
    """Yield the body in chunks as they arrive.

    Raises:
        DocumentTooLarge: The body, or its declared length, is larger than `file_bytes`.
        DocumentTooSlow: The body paused for `idle_seconds` or took longer than `total_seconds`.
        ClientDisconnect: The client disconnected.
    """
    declared_bytes = request.headers.get("content-length", "")
    if declared_bytes.isdecimal() and int(declared_bytes) > limits.file_bytes:
        raise DocumentTooLarge(limits.file_bytes)
    until = time.monotonic() + limits.total_seconds
    size, more = 0, True
    while more:
        try:
            async with asyncio.timeout(min(limits.idle_seconds, until - time.monotonic())):
                message = await request.receive()
        except TimeoutError as error:
            raise DocumentTooSlow(f"the upload timed out after {size} bytes") from error
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        part = message.get("body", b"")
        more = message.get("more_body", False)
        size += len(part)
        if size > limits.file_bytes:
            raise DocumentTooLarge(limits.file_bytes)
        if part:
            yield part
