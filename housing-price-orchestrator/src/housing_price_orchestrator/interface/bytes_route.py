"""Operations that read and answer bytes themselves.

They are declared like any other FastAPI operation, so that routing, OpenAPI and error handling are FastAPI's. What they
leave out is what they have no use for: reading the body a second time, solving dependencies, validating the answer. On
a small answer that is more than half of the time that FastAPI spends.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import Request
from fastapi.routing import APIRoute
from starlette.types import ASGIApp, Receive, Scope, Send


class BytesRoute(APIRoute):
    """A route whose endpoint takes the request and returns the response, and nothing else."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        """Declare the operation; `options` are those of `APIRoute`."""
        super().__init__(path, endpoint, **options)
        self.app = _directly(endpoint)


def _directly(endpoint: Callable[[Request], Awaitable[ASGIApp]]) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        response = await endpoint(Request(scope, receive, send))
        await response(scope, receive, send)

    return app
