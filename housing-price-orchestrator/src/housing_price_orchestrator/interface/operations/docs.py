"""Swagger UI and ReDoc, served without internet access from the files of the package fastapi-offline."""

import base64
import hashlib
import re
from pathlib import Path
from typing import Final

import fastapi_offline
from fastapi import FastAPI, Request, Response
from fastapi.openapi.docs import get_redoc_html, get_swagger_ui_html
from fastapi.responses import HTMLResponse
from fastapi.staticfiles import StaticFiles
from starlette.types import Scope

from housing_price_orchestrator.interface.edge.forwarded import path_prefix_of

DOCS_PATH: Final = "/docs"
REFERENCE_PATH: Final = "/redoc"
_ASSETS_PATH: Final = "/docs/assets"
_ASSETS: Final = Path(fastapi_offline.__file__).parent / "static"

_REDOC: Final = "redoc.standalone.js"
_REDOC_LOGO: Final = b"https://cdn.redoc.ly/redoc/logo-mini.svg"
_NO_LOGO: Final = b"data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg'/%3E"

_INLINE_SCRIPT: Final = re.compile(r"<script>(.*?)</script>", re.DOTALL)
_NO_SNIFFING: Final = {"x-content-type-options": "nosniff"}


class _Assets(StaticFiles):
    """The static files of the pages, with `nosniff`."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers.update(_NO_SNIFFING)
        return response


def add_docs(app: FastAPI) -> None:
    """Add the two pages and their static files."""

    # The page is added before the mount with the same prefix, so that it keeps its path.
    @app.get(DOCS_PATH, include_in_schema=False)
    async def docs(request: Request) -> HTMLResponse:
        prefix = path_prefix_of(request)
        return _with_security_headers(
            get_swagger_ui_html(
                openapi_url=f"{prefix}{app.openapi_url}",
                title=f"{app.title} - try it",
                swagger_js_url=f"{prefix}{_ASSETS_PATH}/swagger-ui-bundle.js",
                swagger_css_url=f"{prefix}{_ASSETS_PATH}/swagger-ui.css",
                swagger_favicon_url=f"{prefix}{_ASSETS_PATH}/favicon.png",
                swagger_ui_parameters={"displayRequestDuration": True, "defaultModelsExpandDepth": 0},
            )
        )

    @app.get(REFERENCE_PATH, include_in_schema=False)
    async def reference(request: Request) -> HTMLResponse:
        prefix = path_prefix_of(request)
        return _with_security_headers(
            get_redoc_html(
                openapi_url=f"{prefix}{app.openapi_url}",
                title=f"{app.title} - reference",
                redoc_js_url=f"{prefix}{_ASSETS_PATH}/{_REDOC}",
                redoc_favicon_url=f"{prefix}{_ASSETS_PATH}/favicon.png",
                with_google_fonts=False,
            )
        )

    # ReDoc loads its logo from a CDN and has no option to disable that.
    redoc = (_ASSETS / _REDOC).read_bytes().replace(_REDOC_LOGO, _NO_LOGO)

    @app.get(f"{_ASSETS_PATH}/{_REDOC}", include_in_schema=False)
    async def redoc_script() -> Response:
        headers = {"cache-control": "max-age=3600", **_NO_SNIFFING}
        return Response(redoc, media_type="text/javascript", headers=headers)

    app.mount(_ASSETS_PATH, _Assets(directory=_ASSETS), name="docs-assets")


def _with_security_headers(page: HTMLResponse) -> HTMLResponse:
    """Add headers that allow only this service's scripts and forbid framing."""
    scripts = " ".join(
        f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
        for script in _INLINE_SCRIPT.findall(bytes(page.body).decode())
    )
    page.headers.update(
        {
            "content-security-policy": (
                f"default-src 'none'; script-src 'self' {scripts}; connect-src 'self'; img-src 'self' data:; "
                # Both pages use inline styles; ReDoc's search runs in a worker created from a blob.
                "style-src 'self' 'unsafe-inline'; font-src 'self' data:; worker-src blob:; "
                "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
            ),
            "x-frame-options": "DENY",
            "referrer-policy": "no-referrer",
            **_NO_SNIFFING,
        }
    )
    return page
