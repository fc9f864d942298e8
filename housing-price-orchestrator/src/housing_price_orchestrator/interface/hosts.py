"""Middleware that accepts only requests for trusted hosts."""

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from housing_price_orchestrator.interface.problems import error_response
from housing_price_orchestrator.shared.errors import HostNotServed


class TrustedHosts:
    """Rejects requests with any other `Host`; protects against DNS rebinding."""

    def __init__(self, app: ASGIApp, *, patterns: tuple[str, ...]) -> None:
        """Pass requests for `patterns` to `app`: host names, or `*.example.org` for subdomains; ports are ignored."""
        self._app = app
        self._names = frozenset(pattern.lower() for pattern in patterns if not pattern.startswith("*."))
        self._suffixes = tuple(pattern[1:].lower() for pattern in patterns if pattern.startswith("*."))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check the host of an HTTP request; pass other ASGI scopes on unchanged."""
        if scope["type"] == "http":
            hosts = Headers(scope=scope).getlist("host")
            if len(hosts) != 1 or not self._is_trusted(hosts[0]):
                response = error_response(Request(scope), HostNotServed("the Host header is not a trusted host"))
                await response(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _is_trusted(self, host: str) -> bool:
        name, colon, port = host.rpartition(":")
        if not colon or not port.isdigit():
            name = host
        name = name.lower()
        return name in self._names or name.endswith(self._suffixes)
