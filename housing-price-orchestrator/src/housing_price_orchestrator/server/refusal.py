"""The response to a request that is rejected before it reaches the application."""

import json
from collections.abc import Sequence
from http import HTTPStatus

import structlog

from housing_price_orchestrator.interface.problems import (
    PROBLEM_MEDIA_TYPE,
    extension_members,
    problem_document,
    problem_type_of,
)
from housing_price_orchestrator.interface.request_id import new_request_id
from housing_price_orchestrator.shared.errors import HousingPriceError


def refusal_response(
    error: HousingPriceError, client: tuple[str, int] | None, default_headers: Sequence[tuple[bytes, bytes]]
) -> bytes:
    """Encode the complete HTTP response, which closes the connection, and log its request id."""
    problem, request_id = problem_type_of(error), new_request_id()
    structlog.get_logger().warning(
        "request rejected",
        request_id=request_id,
        client=client[0] if client else None,
        status=problem.status,
        error=f"{type(error).__name__}: {error}",
    )
    body = json.dumps(problem_document(problem, request_id, **extension_members(error))).encode()
    headers = [
        *default_headers,
        (b"content-type", PROBLEM_MEDIA_TYPE.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"x-request-id", request_id.encode()),
        (b"connection", b"close"),
    ]
    if problem.retry_after_seconds is not None:
        headers.append((b"retry-after", str(problem.retry_after_seconds).encode()))
    lines = [f"HTTP/1.1 {problem.status} {HTTPStatus(problem.status).phrase}".encode()]
    lines += [name + b": " + value for name, value in headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body
