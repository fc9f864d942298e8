"""Answers only for the names that this service is known by."""

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from housing_price_orchestrator.interface.problems import error_response
from housing_price_orchestrator.shared.errors import HostNotServed


class TrustedHosts:
    """Refuses requests whose `Host` is another one, so that no page of a strange name can use a browser to ask us."""

    def __init__(self, app: ASGIApp, *, patterns: tuple[str, ...]) -> None:
        """Let through to `app` what names one of `patterns`: a name, or `*.` and the end of one; ports do not count."""
        self._app = app
        self._names = frozenset(pattern.lower() for pattern in patterns if not pattern.startswith("*."))
        self._endings = tuple(pattern[1:].lower() for pattern in patterns if pattern.startswith("*."))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request; other kinds of connection pass untouched."""
        if scope["type"] == "http":
            named = Headers(scope=scope).getlist("host")
            if len(named) != 1 or not self._is_served(named[0]):
                response = error_response(Request(scope), HostNotServed("another host was named"))
                await response(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _is_served(self, host: str) -> bool:
        name, colon, port = host.rpartition(":")
        if not colon or not port.isdigit():
            name = host
        name = name.lower()
        return name in self._names or name.endswith(self._endings)
