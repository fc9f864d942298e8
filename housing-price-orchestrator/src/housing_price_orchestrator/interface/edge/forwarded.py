"""Middleware for the headers of trusted proxies, and for the path prefix under which a proxy publishes this service."""

from typing import Final, cast

from fastapi import Request
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn._types import ASGI3Application
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from housing_price_orchestrator.shared.path_prefix import normal_prefix

FORWARDED_HOSTS: Final = "forwarded_hosts"
"""Key in the state of a request: the hosts that a trusted proxy received the request for (`X-Forwarded-Host`)."""

ROOTS: Final = frozenset({"", "api", "docs", "redoc", "page", "openapi.json", "livez", "readyz", "metrics"})
"""The first segments of this service's own paths. A test compares them with the routes."""


class ForwardedHeaders:
    """Applies `X-Forwarded-For`, `-Proto`, `-Host` and `-Prefix` of trusted proxies, and a fixed prefix."""

    def __init__(self, app: ASGIApp, *, trusted_proxies: tuple[str, ...], path_prefix: str) -> None:
        """Wrap `app`.

        Args:
            app: The application inside.
            trusted_proxies: Addresses and networks; headers of all others are ignored.
            path_prefix: The prefix of requests without `X-Forwarded-Prefix`; empty for none.
        """
        # uvicorn's types differ from Starlette's in form only.
        self._inner = ProxyHeadersMiddleware(cast("ASGI3Application", app), trusted_hosts=list(trusted_proxies))
        self._path_prefix = path_prefix

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Describe an HTTP request as the caller of the proxy made it; pass other ASGI scopes on unchanged."""
        if scope["type"] == "http":
            prefix = self._path_prefix
            client = scope.get("client")
            # Before uvicorn's middleware replaces the proxy's address by the caller's.
            if client is not None and client[0] in self._inner.trusted_hosts:
                prefix = _read_headers(scope, prefix)
            if prefix:
                _set_prefix(scope, prefix)
        await self._inner(scope, receive, send)  # type: ignore[arg-type]  # as above


def path_prefix_of(request: Request) -> str:
    """Return the prefix of this service's paths as the caller sees them; empty if there is none."""
    prefix: str = request.scope.get("root_path", "")
    return prefix.rstrip("/")


def _read_headers(scope: Scope, prefix: str) -> str:
    """Store the forwarded hosts, and return the prefix: the forwarded one if it is valid, else the given one."""
    hosts: list[bytes] = []
    prefixes: list[str] = []
    for name, value in scope["headers"]:
        if name == b"x-forwarded-host":
            hosts += (host for part in value.split(b",") if (host := part.strip()))
        elif name == b"x-forwarded-prefix":
            # Each of several proxies may have removed a part, the outermost first.
            prefixes += (part.strip().rstrip("/") for part in value.decode("latin-1").split(","))
    if hosts:
        scope.setdefault("state", {})[FORWARDED_HOSTS] = tuple(hosts)
    forwarded = normal_prefix("".join(prefixes)) if prefixes else None
    return prefix if forwarded is None else forwarded


def _set_prefix(scope: Scope, prefix: str) -> None:
    """Set `root_path` and make `path` contain it, as ASGI demands, whether or not the proxy removed the prefix."""
    scope["root_path"] = prefix
    path: str = scope["path"]
    if path == prefix and path[1:] not in ROOTS:
        scope["path"] = f"{prefix}/"
    elif not (path.startswith(f"{prefix}/") and _is_own(path.removeprefix(prefix))):
        scope["path"] = prefix + path
        scope["raw_path"] = prefix.encode() + scope.get("raw_path", b"")


def _is_own(path: str) -> bool:
    return path[1:].partition("/")[0] in ROOTS
