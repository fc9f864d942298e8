"""CORS: the headers that pages of allowed origins may send and read."""

from collections.abc import Sequence
from typing import Any, Final

from housing_price_orchestrator.interface.documents.encoding import PRICE_SOURCE_HEADER
from housing_price_orchestrator.interface.operations.orders import IDEMPOTENCY_HEADER
from housing_price_orchestrator.interface.timeout import TIMEOUT_HEADER

_REQUEST_HEADERS: Final = (
    "Authorization",
    "Content-Type",
    IDEMPOTENCY_HEADER,
    "If-None-Match",
    "If-Range",
    "Range",
    "X-API-Key",
    "X-Request-ID",
    TIMEOUT_HEADER,
    "baggage",
    "traceparent",
    "tracestate",
)
"""Every header that an operation reads. Tests compare them with the OpenAPI document."""

_RESPONSE_HEADERS: Final = (
    "Content-Disposition",
    "Content-Range",
    "ETag",
    "Location",
    "RateLimit",
    "RateLimit-Policy",
    "Retry-After",
    "Server-Timing",
    "WWW-Authenticate",
    PRICE_SOURCE_HEADER,
    "X-Request-ID",
)
"""Every response header with a meaning for callers. Browsers hide all others from pages of other origins."""


def cors_options(allowed_origins: Sequence[str]) -> dict[str, Any]:
    """Make the options of Starlette's `CORSMiddleware`. Cookies are not allowed because the service uses none."""
    return {
        "allow_origins": list(allowed_origins),
        "allow_methods": ["GET", "HEAD", "POST", "PUT", "DELETE"],
        "allow_headers": list(_REQUEST_HEADERS),
        "expose_headers": list(_RESPONSE_HEADERS),
        "max_age": 3600,
    }
