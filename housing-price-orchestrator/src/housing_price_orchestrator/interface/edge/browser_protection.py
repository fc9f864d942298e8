"""Middleware that protects against pages in browsers: DNS rebinding, and changes on behalf of other origins.

A page of any origin may send requests to a service that its browser can reach. The browser hides the response, but the
request has arrived. With DNS rebinding the page even reads the response, because its own host name leads here.
"""

from collections.abc import Collection, Sequence
from typing import Final

from starlette._utils import get_route_path
from starlette.types import ASGIApp, Receive, Scope, Send

from housing_price_orchestrator.interface.documents.body import OWN_FETCH_SITES
from housing_price_orchestrator.interface.edge.forwarded import FORWARDED_HOSTS
from housing_price_orchestrator.interface.edge.hosts import ServedHosts
from housing_price_orchestrator.interface.middleware import MONITORING_PATHS
from housing_price_orchestrator.shared.errors import HostNotServed, OriginRefused

_ANY_ORIGIN: Final = "*"

_SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change no state (RFC 9110, section 9.2.1)."""

_PRICES: Final = ("/api/v1/price/predict", "/api/v1/valuation")

_DEFAULT_PORT: Final = {"http": b":80", "https": b":443"}


class BrowserProtection:
    """Refuses hosts that are not served, and requests of other origins that change state."""

    def __init__(self, app: ASGIApp, *, hosts: ServedHosts | None, allowed_origins: Collection[str]) -> None:
        """Protect `app`; the `RequestMiddleware` outside answers the errors.

        Args:
            app: The application inside.
            hosts: Hosts that are served, on every path but those of monitoring; None serves all hosts.
            allowed_origins: Origins besides our own whose pages may change state; `*` allows all.
        """
        self._app = app
        self._hosts = hosts
        self._allows_all = _ANY_ORIGIN in allowed_origins
        self._allowed_origins = frozenset(origin.encode() for origin in allowed_origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check an HTTP request; pass other ASGI scopes on unchanged."""
        if scope["type"] == "http":
            self._check(scope)
        await self._app(scope, receive, send)

    def _check(self, scope: Scope) -> None:
        # First what nearly every request is: one of a program, for a served host.
        host, is_simple = b"", True
        for name, value in scope["headers"]:
            if name == b"host":
                is_simple = is_simple and not host
                host = value
            elif name == b"origin" or name == b"sec-fetch-site":  # noqa: PLR1714 - faster than a set of both
                is_simple = False
        state = scope["state"]
        if not is_simple or FORWARDED_HOSTS in state or not (self._hosts is None or host in self._hosts):
            self._check_all(scope, state.get(FORWARDED_HOSTS, ()))

    def _check_all(self, scope: Scope, forwarded: Sequence[bytes]) -> None:
        hosts, origins, fetch_site = [], [], b"none"
        for name, value in scope["headers"]:
            if name == b"host":
                hosts.append(value)
            elif name == b"origin":
                origins.append(value)
            elif name == b"sec-fetch-site":
                fetch_site = value
        if not self._serves(hosts, forwarded) and get_route_path(scope) not in MONITORING_PATHS:
            raise HostNotServed("the Host header is not a served host")
        if scope["method"] in _SAFE_METHODS or self._allows_all:
            return
        if origins:
            own = [own_origin(scope["scheme"], host) for host in (*hosts, *forwarded)]
            if not all(origin in self._allowed_origins or origin in own for origin in origins):
                raise OriginRefused("the Origin header names another origin")
        # Prices and valuations change nothing, and refuse undeclared bodies of pages themselves.
        elif fetch_site not in OWN_FETCH_SITES and not get_route_path(scope).startswith(_PRICES):
            raise OriginRefused("the Sec-Fetch-Site header says that a page of another origin sends the request")

    def _serves(self, hosts: Sequence[bytes], forwarded: Sequence[bytes]) -> bool:
        return self._hosts is None or (len(hosts) == 1 and all(host in self._hosts for host in (*hosts, *forwarded)))


def own_origin(scheme: str, host: bytes) -> bytes:
    """Return the origin of the pages that this service serves under `host`, as a browser writes it."""
    return scheme.encode() + b"://" + host.lower().removesuffix(_DEFAULT_PORT.get(scheme, b""))
