"""uvicorn's configuration: bounded connections, TLS, and an event loop that limits the TLS handshake."""

import asyncio
import functools
import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import uvicorn
import uvloop
from starlette.types import ASGIApp

from housing_price_orchestrator.interface.documents.limits import ConnectionLimits
from housing_price_orchestrator.server.draining_server import DrainingServer

HSTS: Final = ("strict-transport-security", "max-age=31536000")
"""One year. Sent only if this process terminates TLS; a proxy that terminates TLS sends its own header."""


class _Loop(uvloop.Loop):
    """uvloop with a timeout for TLS handshakes and a `DrainingServer`."""

    def __init__(self, *, handshake_seconds: float) -> None:
        super().__init__()
        self._handshake_seconds = handshake_seconds
        self._accepting: set[asyncio.Task[Any]] = set()

    async def create_server(
        self, protocol_factory: Callable[[], asyncio.BaseProtocol], *args: Any, **options: Any
    ) -> Any:
        """Listen like uvloop, with TLS timeouts, for which uvicorn has no setting."""
        tls: dict[str, Any] = {}
        if context := options.pop("ssl", None):
            seconds = self._handshake_seconds
            tls = {"ssl": context, "ssl_handshake_timeout": seconds, "ssl_shutdown_timeout": seconds}
        server = await super().create_server(protocol_factory, *args, **options, **tls)  # type: ignore[call-overload]  # as it came
        return DrainingServer(
            self,
            server,
            lambda accepted: self._accept(protocol_factory, accepted, tls),
            # Worker processes are given the socket of their parent.
            is_shared="sock" in options,
        )

    def _accept(self, protocol_factory: Callable[[], asyncio.BaseProtocol], accepted: socket.socket, tls: Any) -> None:
        accepting = self.create_task(self.connect_accepted_socket(protocol_factory, accepted, **tls))
        self._accepting.add(accepting)
        accepting.add_done_callback(self._finish_accepting)

    def _finish_accepting(self, accepting: asyncio.Task[Any]) -> None:
        self._accepting.discard(accepting)
        if not accepting.cancelled():
            # Retrieve the exception, or asyncio logs it: clients may disconnect during the handshake.
            accepting.exception()


class ListeningConfig(uvicorn.Config):
    """uvicorn's configuration for this service; can be pickled for worker processes."""

    def __init__(
        self,
        app: ASGIApp | str,
        *,
        limits: ConnectionLimits | None = None,
        cert_file: Path | None = None,
        key_file: Path | None = None,
        **options: Any,
    ) -> None:
        """Serve `app` within `limits`, over TLS if `cert_file` is given; `options` are uvicorn's."""
        self.limits = limits or ConnectionLimits()
        super().__init__(
            app,
            http="housing_price_orchestrator.server.connection:BoundedConnection",
            ws="none",
            access_log=False,
            log_config=None,
            server_header=False,
            # The application adds this middleware itself, and only for trusted proxies.
            proxy_headers=False,
            headers=[HSTS] if cert_file else None,
            ssl_certfile=cert_file,
            ssl_keyfile=key_file,
            ssl_context_factory=_tls_context if cert_file else None,
            **options,
        )

    def get_loop_factory(self) -> Callable[[], uvloop.Loop]:
        """Return the factory of the server's event loop."""
        return functools.partial(_Loop, handshake_seconds=self.limits.client_seconds)


def _tls_context(_config: uvicorn.Config, default: Callable[[], ssl.SSLContext]) -> ssl.SSLContext:
    context = default()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    return context
