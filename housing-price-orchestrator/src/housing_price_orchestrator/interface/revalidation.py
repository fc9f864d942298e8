"""Responses that a browser keeps, and asks about before it uses them again."""

import hashlib
from collections.abc import Mapping
from typing import Final

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.staticfiles import NotModifiedResponse
from starlette.types import Scope

_NO_SNIFFING: Final = {"x-content-type-options": "nosniff"}


def revalidated_response(
    content: bytes, media_type: str, scope: Scope, headers: Mapping[str, str] | None = None
) -> Response:
    """Respond with `content` and its `ETag`; with 304 if the request says that the browser has it.

    The `ETag` is a digest. Starlette's is made of time and size, and packages can give all files the same time.
    """
    etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    caching = {"etag": etag, "cache-control": "no-cache"}
    response = Response(content, media_type=media_type, headers={**_NO_SNIFFING, **caching, **(headers or {})})
    return NotModifiedResponse(response.headers) if _has(etag, Headers(scope=scope)) else response


def _has(etag: str, headers: Headers) -> bool:
    sent = ",".join(headers.getlist("if-none-match"))
    return sent.strip() == "*" or etag in (one.strip().removeprefix("W/") for one in sent.split(","))
