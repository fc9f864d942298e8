"""The fields of a request in the log, the same for every service that answers HTTP requests through ASGI."""

import re
from collections.abc import Mapping
from typing import Any, Final

_REQUEST_ID: Final = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_TRACEPARENT: Final = re.compile(rb"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}(?![0-9a-f])")

NO_REQUEST_ID: Final = "-"
"""Logged for a request without a valid id."""


def request_fields(scope: Mapping[str, Any], *, status: int, seconds: float) -> dict[str, Any]:
    """Return the log fields of an answered request.

    A request id is untrusted: one that is not 1 to 64 characters of `A-Z a-z 0-9 . _ -` is logged as `-`. The
    trace id is that of a `traceparent` header (https://www.w3.org/TR/trace-context/#traceparent-header).

    Args:
        scope: The ASGI scope of the request.
        status: The status of the answer.
        seconds: The duration of the request.
    """
    headers = dict(scope["headers"])
    header = headers.get(b"x-request-id", b"")
    fields = {
        "method": scope["method"],
        # The raw path is still percent-encoded, so it has no line breaks or control characters.
        "path": scope["raw_path"].decode("latin-1"),
        "status": status,
        "seconds": round(seconds, 6),
        "request_id": header.decode() if _REQUEST_ID.fullmatch(header) else NO_REQUEST_ID,
    }
    if (match := _TRACEPARENT.match(headers.get(b"traceparent", b""))) is not None:
        fields["trace_id"] = match[1].decode()
    return fields
