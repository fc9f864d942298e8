"""The headers of responses, as OpenAPI describes them."""

from typing import Any, Final

from housing_price_orchestrator.interface.documents.encoding import PRICE_SOURCE_HEADER

type Headers = dict[str, dict[str, Any]]


def _text(description: str) -> dict[str, Any]:
    return {"description": description, "schema": {"type": "string"}}


EVERY_RESPONSE: Final[Headers] = {
    "X-Request-ID": _text("The id of the request."),
    "Server-Timing": _text("Duration of each processing step until the response started, in milliseconds."),
}
LOCATION: Final[Headers] = {"Location": _text("Path of the job.")}
PRICE_SOURCE: Final[Headers] = {
    PRICE_SOURCE_HEADER: {
        "description": (
            "Present only if a price was not computed for this request (off by default). `cache`: computed a moment "
            "ago by the same model. `last-known`: an earlier price, because the model server is unavailable."
        ),
        "schema": {"type": "string", "enum": ["cache", "last-known"]},
    }
}
FILE: Final[Headers] = {
    "Content-Disposition": _text("The name of the file."),
    "ETag": _text("Identifies the content, for `If-Range`."),
}
CONTENT_RANGE: Final[Headers] = {"Content-Range": _text("Position of the part and size of the file.")}

_RETRY_AFTER: Final[Headers] = {
    "Retry-After": {"description": "Seconds to wait before retrying.", "schema": {"type": "integer"}}
}
_CHALLENGE: Final[Headers] = {"WWW-Authenticate": _text("The authentication scheme (RFC 6750).")}
_RATE_LIMITS: Final[Headers] = {
    "RateLimit-Policy": _text("The limits: `q` requests per window of `w` seconds."),
    "RateLimit": _text("The remaining requests (`r`) and the seconds until the limit resets (`t`)."),
}
OF_STATUS: Final[dict[int, Headers]] = {
    401: _CHALLENGE,
    403: _CHALLENGE,
    416: CONTENT_RANGE,
    429: _RETRY_AFTER | _RATE_LIMITS,
    503: _RETRY_AFTER,
}
"""The headers of the problems with a status."""
