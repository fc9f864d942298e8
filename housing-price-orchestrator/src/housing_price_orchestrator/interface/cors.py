"""CORS: the headers that pages of allowed origins may send and read."""

from collections.abc import Sequence
from typing import Any, Final

from housing_price_orchestrator.interface.documents.encoding import PRICE_SOURCE_HEADER
from housing_price_orchestrator.interface.timeout import TIMEOUT_HEADER

_REQUEST_HEADERS: Final = ("Authorization", "Content-Type", "X-API-Key", "X-Request-ID", TIMEOUT_HEADER, "traceparent")
_RESPONSE_HEADERS: Final = (
    "RateLimit",
    "RateLimit-Policy",
    "Retry-After",
    "Server-Timing",
    PRICE_SOURCE_HEADER,
    "X-Request-ID",
)


def cors_options(allowed_origins: Sequence[str]) -> dict[str, Any]:
    """Make the options of Starlette's `CORSMiddleware`. Cookies are not allowed because the service uses none."""
    return {
        "allow_origins": list(allowed_origins),
        "allow_methods": ["GET", "POST", "PUT", "DELETE"],
        "allow_headers": list(_REQUEST_HEADERS),
        "expose_headers": list(_RESPONSE_HEADERS),
        "max_age": 3600,
    }
