"""The time that a caller gives its request: the header `X-Request-Timeout-Ms`."""

from typing import Annotated, Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import Field, TypeAdapter, ValidationError

TIMEOUT_HEADER = "X-Request-Timeout-Ms"
MAX_MILLISECONDS = 3_600_000

_NAME = TIMEOUT_HEADER.lower().encode()
_MILLISECONDS = TypeAdapter[int](Annotated[int, Field(ge=1, le=MAX_MILLISECONDS)])

TIMEOUT_PARAMETER: dict[str, Any] = {
    "name": TIMEOUT_HEADER,
    "in": "header",
    "required": False,
    "description": (
        "How long the caller waits for prices, in milliseconds, from when the body has been read; of a stream, for "
        "each line. It can only shorten the time that the service allows itself."
    ),
    "schema": {"type": "integer", "minimum": 1, "maximum": MAX_MILLISECONDS},
    "example": 500,
}
"""The header in OpenAPI."""


def timeout_seconds_of(request: Request) -> float | None:
    """Read how long the caller waits, in seconds; None where it does not say.

    Raises:
        RequestValidationError: it is no whole number of milliseconds within bounds.
    """
    for name, value in request.scope["headers"]:
        if name == _NAME:
            try:
                return _MILLISECONDS.validate_python(value.decode("latin-1")) / 1000
            except ValidationError as error:
                findings = error.errors(include_url=False)
                raise RequestValidationError(
                    [{**finding, "loc": ("header", TIMEOUT_HEADER)} for finding in findings]
                ) from error
    return None
