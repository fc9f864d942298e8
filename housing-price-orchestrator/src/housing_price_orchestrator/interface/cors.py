"""What a page of another site may send and read, where its origin is allowed."""

from collections.abc import Sequence
from typing import Any

_SENT = ("Authorization", "Content-Type", "X-API-Key", "X-Request-ID", "X-Request-Timeout-Ms", "traceparent")
_READ = ("RateLimit", "RateLimit-Policy", "Retry-After", "Server-Timing", "X-Price-Source", "X-Request-ID")


def cors_options(allowed_origins: Sequence[str]) -> dict[str, Any]:
    """Make the options of Starlette's `CORSMiddleware`. Cookies are never taken: this service knows none."""
    return {
        "allow_origins": list(allowed_origins),
        "allow_methods": ["GET", "POST", "PUT", "DELETE"],
        "allow_headers": list(_SENT),
        "expose_headers": list(_READ),
        "max_age": 3600,
    }
