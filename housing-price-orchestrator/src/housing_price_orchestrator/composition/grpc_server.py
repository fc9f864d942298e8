"""Opens the gRPC server. Part of the composition root (`app.py`)."""

import asyncio
import contextlib
import os
import time
from typing import TYPE_CHECKING, Final

import structlog
from opentelemetry.trace import Tracer

from housing_price_orchestrator.interface.services import Services
from housing_price_orchestrator.service.readiness import Readiness
from housing_price_orchestrator.settings import Settings
from housing_price_orchestrator.shared.tasks import cancel_and_wait

if TYPE_CHECKING:
    from grpc import aio

STOP_SECONDS: Final = 5.0
"""Maximum time for calls in progress to finish during shutdown."""

_POLL_SECONDS: Final = 0.1

# The core writes its own log to standard error, unless this is set before it is loaded.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")


GRPC_PORT: Final = "grpc_port"
"""Key of the port in the state of the lifespan."""


async def open_grpc(
    settings: Settings, services: Services, tracer: Tracer | None, stack: contextlib.AsyncExitStack
) -> int | None:
    """Serve gRPC until `stack` closes, which waits for calls in progress.

    Returns:
        The port; None if gRPC is off.

    Raises:
        OSError: the port is taken, or the host is not an address of this machine.
    """
    group = settings.grpc
    if group.port is None:
        return None
    # Imported here because the packages are optional.
    from housing_price_orchestrator.interface.grpc.limits import RpcLimits  # noqa: PLC0415
    from housing_price_orchestrator.interface.grpc.server import Address, make_server  # noqa: PLC0415

    tls = settings.tls
    certificate = None
    if tls.cert_file is not None and tls.key_file is not None:
        certificate = (tls.key_file.read_bytes(), tls.cert_file.read_bytes())
    address = Address(settings.server.host, group.port, certificate=certificate, is_shared=settings.server.workers > 1)
    server, port = make_server(
        services,
        RpcLimits(
            message_bytes=group.max_message_bytes,
            connections=group.max_connections,
            streams_per_connection=group.max_concurrent_streams,
            calls=group.max_calls,
        ),
        address,
        tracer=tracer,
        trusted_proxies=settings.server.trusted_proxies,
        has_reflection=settings.docs.enabled,
    )
    await server.start()
    stack.push_async_callback(_Stop(server, services.readiness, settings.server.stop_notice_seconds).finish)
    structlog.get_logger().info(f"gRPC running on {Address(address.host, port)}")
    return port


class _Stop:
    """Stops the server together with that of HTTP: after the notice that the service is stopping."""

    def __init__(self, server: "aio.Server", readiness: Readiness, notice_seconds: float) -> None:
        self._server = server
        self._readiness = readiness
        self._notice_seconds = notice_seconds
        self._deadline: float | None = None
        self._stopping = asyncio.create_task(self._stop_after_notice())

    async def finish(self) -> None:
        """Wait for calls in progress, at most until `STOP_SECONDS` after the server began to stop."""
        await cancel_and_wait(self._stopping)
        await self._stop()

    async def _stop_after_notice(self) -> None:
        while not self._readiness.is_stopping:  # noqa: ASYNC110 - a flag that a handler of signals sets
            await asyncio.sleep(_POLL_SECONDS)
        await asyncio.sleep(self._notice_seconds)
        await self._stop()

    async def _stop(self) -> None:
        now = time.monotonic()
        if self._deadline is None:
            self._deadline = now + STOP_SECONDS
        await self._server.stop(max(0.0, self._deadline - now))
