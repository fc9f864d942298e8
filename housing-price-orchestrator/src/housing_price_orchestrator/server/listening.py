"""How uvicorn listens here: its configuration, the limits of connections, and an event loop that bounds handshakes."""

import asyncio
import functools
import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import uvicorn
import uvloop
from starlette.types import ASGIApp

from housing_price_orchestrator.interface.documents.limits import ConnectionLimits
from housing_price_orchestrator.server.draining_server import ThoroughServer

HSTS = ("strict-transport-security", "max-age=31536000")
"""One year, for browsers that came by TLS once. Only where TLS is ours: what a proxy ends is the proxy's to say."""


class _Loop(uvloop.Loop):
    """uvloop, whose servers wait no longer than they should for TLS, and lose nobody when they close."""

    def __init__(self, *, handshake_seconds: float) -> None:
        super().__init__()
        self._handshake_seconds = handshake_seconds
        self._taking: set[asyncio.Task[Any]] = set()

    async def create_server(
        self, protocol_factory: Callable[[], asyncio.BaseProtocol], *args: Any, **options: Any
    ) -> Any:
        """Listen as uvloop does. uvicorn has no settings for the time that TLS may take."""
        tls: dict[str, Any] = {}
        if context := options.pop("ssl", None):
            seconds = self._handshake_seconds
            tls = {"ssl": context, "ssl_handshake_timeout": seconds, "ssl_shutdown_timeout": seconds}
        server = await super().create_server(protocol_factory, *args, **options, **tls)  # type: ignore[call-overload]  # as it came
        return ThoroughServer(self, server, lambda accepted: self._take(protocol_factory, accepted, tls))

    def _take(self, protocol_factory: Callable[[], asyncio.BaseProtocol], accepted: socket.socket, tls: Any) -> None:
        taking = self.create_task(self.connect_accepted_socket(protocol_factory, accepted, **tls))
        self._taking.add(taking)
        taking.add_done_callback(self._taken)

    def _taken(self, taking: asyncio.Task[Any]) -> None:
        self._taking.discard(taking)
        if not taking.cancelled():
            # Who left during the handshake is nobody's loss.
            taking.exception()


class ListeningConfig(uvicorn.Config):
    """uvicorn's configuration as this service wants it; can be handed to worker processes."""

    def __init__(
        self,
        app: ASGIApp | str,
        *,
        limits: ConnectionLimits | None = None,
        cert_file: Path | None = None,
        key_file: Path | None = None,
        **options: Any,
    ) -> None:
        """Serve `app` within `limits`, over TLS where there is a certificate; `options` are uvicorn's."""
        self.limits = limits or ConnectionLimits()
        super().__init__(
            app,
            http="housing_price_orchestrator.server.connection:BoundedConnection",
            ws="none",
            access_log=False,
            log_config=None,
            server_header=False,
            # Added by the application, and only where proxies are known.
            proxy_headers=False,
            headers=[HSTS] if cert_file else None,
            ssl_certfile=cert_file,
            ssl_keyfile=key_file,
            ssl_context_factory=_tls if cert_file else None,
            **options,
        )

    def get_loop_factory(self) -> Callable[[], uvloop.Loop]:
        """Make the event loop of a server."""
        return functools.partial(_Loop, handshake_seconds=self.limits.client_seconds)


def _tls(_config: uvicorn.Config, default: Callable[[], ssl.SSLContext]) -> ssl.SSLContext:
    context = default()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    return context
