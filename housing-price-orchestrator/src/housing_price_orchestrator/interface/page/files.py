"""The files of the page."""

import os
from pathlib import Path
from typing import Final

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from housing_price_orchestrator.interface.revalidation import revalidated_response

_MEDIA_TYPES: Final = {
    ".css": "text/css",
    ".csv": "text/csv",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}
"""Not those of the operating system: on Windows its registry can turn scripts into `text/plain`."""

_HEADERS: Final = {"cross-origin-resource-policy": "same-origin"}


class PageFiles(StaticFiles):
    """The static files of the page, read at each request: an edit shows at the next reload."""

    def file_response(
        self, full_path: os.PathLike[str] | str, stat_result: os.stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        """Respond with a file; 404 if the page has no such file."""
        del stat_result, status_code
        path = Path(full_path)
        media_type = _MEDIA_TYPES.get(path.suffix)
        if media_type is None:
            raise HTTPException(404)
        return revalidated_response(path.read_bytes(), media_type, scope, _HEADERS)
