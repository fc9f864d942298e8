"""The files of the page: served with an `ETag` of their content, so that a browser never uses an outdated module."""

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.staticfiles import NotModifiedResponse, StaticFiles
from starlette.types import Scope

_MEDIA_TYPES: Final = {
    ".css": "text/css",
    ".csv": "text/csv",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}
"""Not those of the operating system: on Windows its registry can turn scripts into `text/plain`."""

_NO_SNIFFING: Final = {"x-content-type-options": "nosniff", "cross-origin-resource-policy": "same-origin"}


class PageFiles(StaticFiles):
    """The static files of the page, read at each request: an edit shows at the next reload."""

    def file_response(
        self, full_path: os.PathLike[str] | str, stat_result: os.stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        """Respond with a file; 404 if it is no file of the page."""
        del stat_result, status_code
        path = Path(full_path)
        media_type = _MEDIA_TYPES.get(path.suffix)
        if media_type is None:
            raise HTTPException(404)
        return self.respond(path.read_bytes(), media_type, scope)

    def respond(
        self, content: bytes, media_type: str, scope: Scope, headers: Mapping[str, str] | None = None
    ) -> Response:
        """Respond with `content`, or with 304 if the browser has it.

        Starlette's `ETag` is made of time and size. Packages can give all files the same time.
        """
        caching = {"etag": f'"{hashlib.sha256(content).hexdigest()[:32]}"', "cache-control": "no-cache"}
        response = Response(content, media_type=media_type, headers={**_NO_SNIFFING, **caching, **(headers or {})})
        if self.is_not_modified(response.headers, Headers(scope=scope)):
            return NotModifiedResponse(response.headers)
        return response
