"""Receives a body that is too large for memory, part by part, within limits of size and time."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

from fastapi import Request
from starlette.requests import ClientDisconnect

from housing_price_orchestrator.shared.errors import DocumentTooLarge, DocumentTooSlow


@dataclass(frozen=True, slots=True)
class UploadLimits:
    """How large and how slow the file of a job may be."""

    file_bytes: int
    idle_seconds: float
    """How long nothing may come."""
    total_seconds: float
    """How long all of it may take."""


async def body_parts(request: Request, limits: UploadLimits) -> AsyncIterator[bytes]:
    """Give a body as it comes.

    Raises:
        DocumentTooLarge: it is larger, or said to be larger, than is taken.
        DocumentTooSlow: nothing came for too long, or not all of it in time.
        ClientDisconnect: its sender has left.
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
            raise DocumentTooSlow(f"the rest of the body did not come after {size} bytes") from error
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        part = message.get("body", b"")
        more = message.get("more_body", False)
        size += len(part)
        if size > limits.file_bytes:
            raise DocumentTooLarge(limits.file_bytes)
        if part:
            yield part
