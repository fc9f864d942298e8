"""The headers of responses: described once each in `components`, to which the responses refer."""

from collections.abc import Mapping
from typing import Any, Final

from housing_price_orchestrator.interface.documents.encoding import PRICE_SOURCE_HEADER
from housing_price_orchestrator.interface.openapi.answer_labels import words_schema
from housing_price_orchestrator.shared.view.price import PriceSource

type Headers = Mapping[str, Mapping[str, Any]]


def _text(description: str) -> dict[str, Any]:
    return {"description": description, "schema": {"type": "string"}}


COMPONENTS: Final[Headers] = {
    "Content-Disposition": _text("The name of the file."),
    "Content-Range": _text("Position of the part and size of the file."),
    "ETag": _text("Identifies the content, for `If-Range`."),
    "Location": _text("Path of the job."),
    "RateLimit": _text("The remaining requests (`r`) and the seconds until the limit resets (`t`)."),
    "RateLimit-Policy": _text("The limits: `q` requests per window of `w` seconds."),
    "Retry-After": {"description": "Seconds to wait before retrying.", "schema": {"type": "integer"}},
    "Server-Timing": _text("Duration of each processing step until the response started, in milliseconds."),
    "WWW-Authenticate": _text("The authentication scheme (RFC 6750)."),
    PRICE_SOURCE_HEADER: {
        "description": (
            "Present only if a price was not computed for this request (off by default). `cache`: computed a moment "
            "ago by the same model. `last-known`: an earlier price, because the model server is unavailable."
        ),
        "schema": words_schema(PriceSource, "cache", "last-known"),
    },
    "X-Request-ID": _text("The id of the request."),
}
"""Each header that a response declares."""


def _references(*names: str) -> Headers:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


EVERY_RESPONSE: Final = _references("X-Request-ID", "Server-Timing")
LOCATION: Final = _references("Location")
PRICE_SOURCE: Final = _references(PRICE_SOURCE_HEADER)
CONTENT_RANGE: Final = _references("Content-Range")
FILE: Final = _references("Content-Disposition", "ETag")
FILE_PART: Final = _references("Content-Disposition", "ETag", "Content-Range")
OF_STATUS: Final[Mapping[int, Headers]] = {
    401: _references("WWW-Authenticate"),
    403: _references("WWW-Authenticate"),
    416: CONTENT_RANGE,
    429: _references("Retry-After", "RateLimit-Policy", "RateLimit"),
    503: _references("Retry-After"),
}
"""The headers of the problems with a status."""
