"""The routes of the page: HTML at `/` for browsers, and its style sheets and scripts at `/page/`."""

from pathlib import Path
from typing import Any, Final

from fastapi import FastAPI, Request, Response
from fastapi.routing import APIRoute
from starlette.routing import Match
from starlette.types import Scope

from housing_price_orchestrator.interface.edge.forwarded import path_prefix_of
from housing_price_orchestrator.interface.page.files import PageFiles
from housing_price_orchestrator.interface.page.negotiation import prefers_html
from housing_price_orchestrator.interface.revalidation import revalidated_response

PAGE_PATH: Final = "/"
FILES_PATH: Final = "/page"

_FOLDER: Final = Path(__file__).parent
STATIC: Final = _FOLDER / "static"
INDEX: Final = _FOLDER / "index.html"

POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        "img-src 'self' data:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        # No string becomes HTML or a script, whatever a later edit does.
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)
"""The page's Content-Security-Policy: only this service's own files, and nothing inline."""

_HEADERS: Final = {
    "content-security-policy": POLICY,
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "vary": "Accept",
    "x-frame-options": "DENY",
}

_RELATIVE: Final = b'"./'
"""The start of each address in the page's HTML."""


class _HtmlRoute(APIRoute):
    """A route for requests that prefer HTML; all others pass it by."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        match, child_scope = super().matches(scope)
        if match is not Match.FULL or not prefers_html(scope["headers"]):
            return Match.NONE, {}
        return match, child_scope


def add_page(app: FastAPI) -> None:
    """Add the page and its files. Must be called before the JSON document at `/` is added."""

    async def page(request: Request) -> Response:
        return revalidated_response(_html(path_prefix_of(request)), "text/html", request.scope, _HEADERS)

    options: dict[str, Any] = {"methods": ["GET", "HEAD"], "include_in_schema": False, "name": "page"}
    app.router.routes.append(_HtmlRoute(PAGE_PATH, page, **options))
    app.mount(FILES_PATH, PageFiles(directory=STATIC), name="page-files")


def _html(prefix: str) -> bytes:
    """Return the page's HTML, with the prefix of a proxy before each address.

    Without a prefix the addresses stay relative, and work behind a proxy that removes a prefix and does not say so.
    """
    content = INDEX.read_bytes()
    return content.replace(_RELATIVE, f'"{prefix}/'.encode()) if prefix else content
