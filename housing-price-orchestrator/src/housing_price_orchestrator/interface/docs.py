"""Swagger UI and ReDoc without the internet: their files come from the package fastapi-offline."""

from pathlib import Path

import fastapi_offline
from fastapi import FastAPI, Request
from fastapi.openapi.docs import get_redoc_html, get_swagger_ui_html
from fastapi.responses import HTMLResponse
from fastapi.staticfiles import StaticFiles

DOCS_PATH = "/docs"
REFERENCE_PATH = "/redoc"
_ASSETS_PATH = "/docs/assets"
_ASSETS = Path(fastapi_offline.__file__).parent / "static"


def add_docs(app: FastAPI) -> None:
    """Serve the two pages and what they load."""

    # The mount comes after the page of the same prefix, so that the page keeps its path.
    @app.get(DOCS_PATH, include_in_schema=False)
    async def docs(request: Request) -> HTMLResponse:
        root = request.scope.get("root_path", "")
        return get_swagger_ui_html(
            openapi_url=f"{root}{app.openapi_url}",
            title=f"{app.title} - try it",
            swagger_js_url=f"{root}{_ASSETS_PATH}/swagger-ui-bundle.js",
            swagger_css_url=f"{root}{_ASSETS_PATH}/swagger-ui.css",
            swagger_favicon_url=f"{root}{_ASSETS_PATH}/favicon.png",
            swagger_ui_parameters={"displayRequestDuration": True, "defaultModelsExpandDepth": 0},
        )

    @app.get(REFERENCE_PATH, include_in_schema=False)
    async def reference(request: Request) -> HTMLResponse:
        root = request.scope.get("root_path", "")
        return get_redoc_html(
            openapi_url=f"{root}{app.openapi_url}",
            title=f"{app.title} - reference",
            redoc_js_url=f"{root}{_ASSETS_PATH}/redoc.standalone.js",
            redoc_favicon_url=f"{root}{_ASSETS_PATH}/favicon.png",
            with_google_fonts=False,
        )

    app.mount(_ASSETS_PATH, StaticFiles(directory=_ASSETS), name="docs-assets")
