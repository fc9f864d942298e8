"""The time limit that a caller sets for its request: the header `X-Request-Timeout-Ms`."""

from collections.abc import Iterable
from typing import Annotated, Any, Final

from fastapi import Request
from pydantic import Field, TypeAdapter, ValidationError

from housing_price_orchestrator.interface.findings import invalid_parameter

TIMEOUT_HEADER: Final = "X-Request-Timeout-Ms"
MAX_MILLISECONDS: Final = 3_600_000

_NAME: Final = TIMEOUT_HEADER.lower().encode()
MILLISECONDS: Final = TypeAdapter[int](Annotated[int, Field(ge=1, le=MAX_MILLISECONDS)])

TIMEOUT_PARAMETER: Final[dict[str, Any]] = {
    "name": TIMEOUT_HEADER,
    "in": "header",
    "required": False,
    "description": (
        "Time limit for pricing, in milliseconds, counted from when the body has been received; for a stream, the "
        "limit applies to each line. It can only shorten the service's own limit."
    ),
    "schema": {"type": "integer", "minimum": 1, "maximum": MAX_MILLISECONDS},
    "example": 500,
}
"""The header as an OpenAPI parameter."""


def timeout_seconds_of(request: Request) -> float | None:
    """Read the time limit of the caller, in seconds; None if the header is absent. Raises as `timeout_seconds_in`."""
    return timeout_seconds_in(request.scope["headers"])


def timeout_seconds_in(headers: Iterable[tuple[bytes, bytes]]) -> float | None:
    """Read the time limit of the caller, in seconds; None if the headers have none.

    Raises:
        RequestValidationError: The value is not an integer from 1 to `MAX_MILLISECONDS`.
    """
    for name, value in headers:
        if name == _NAME:
            try:
                return MILLISECONDS.validate_python(value.decode("latin-1")) / 1000
            except ValidationError as error:
                raise invalid_parameter(error, "header", TIMEOUT_HEADER) from error
    return None
