"""Operations that read and answer bytes themselves.

They are declared like any other FastAPI operation, so that routing, OpenAPI and error handling are FastAPI's. What they
leave out is what they have no use for: reading the body a second time, solving dependencies, validating the answer. On
a small answer that is more than half of the time that FastAPI spends.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

from fastapi import Request
from fastapi.routing import APIRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from housing_price_orchestrator.interface.access import ScopeCheck


class RawJsonResponse:
    """A 200 whose bytes are there already: what Starlette's `Response` sends, without working its headers out anew."""

    __slots__ = ("_body", "_headers", "_kept")

    def __init__(self, body: bytes, headers: Iterable[tuple[bytes, bytes]] = (), *, kept: object = None) -> None:
        """Send `body`, which is JSON, and `headers` beside those that describe it.

        What is `kept` is let go of when the answer is on its way: to clear a thousand houses away takes half a
        millisecond, for which nobody need wait.
        """
        self._body = body
        self._headers = headers
        self._kept = kept

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        """Send it."""
        length = (b"content-length", b"%d" % len(self._body))
        await send({"type": "http.response.start", "status": 200, "headers": [length, _JSON, *self._headers]})
        await send({"type": "http.response.body", "body": self._body})


_JSON = (b"content-type", b"application/json")


class BytesRoute(APIRoute):
    """A route whose endpoint takes the request and returns the response, and nothing else.

    Of its dependencies it asks those that check a scope, before the body is received.
    """

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        """Declare the operation; `options` are those of `APIRoute`."""
        super().__init__(path, endpoint, **options)
        checks = [one.call for one in self.dependant.dependencies if isinstance(one.call, ScopeCheck)]
        self.app = _directly(endpoint, checks)


def _directly(endpoint: Callable[[Request], Awaitable[ASGIApp]], checks: Sequence[ScopeCheck]) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive, send)
        for check in checks:
            await check(request)
        response = await endpoint(request)
        await response(scope, receive, send)

    return app
