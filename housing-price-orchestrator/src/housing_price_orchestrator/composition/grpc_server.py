"""Opens the gRPC server. Part of the composition root (`app.py`)."""

import contextlib
import os
from typing import Final

import structlog

from housing_price_orchestrator.interface.services import Services
from housing_price_orchestrator.settings import Settings

STOP_SECONDS: Final = 5.0
"""Maximum time for calls in progress to finish during shutdown."""

# The core writes its own log to standard error, unless this is set before it is loaded.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")


GRPC_PORT: Final = "grpc_port"
"""Key of the port in the state of the lifespan."""


async def open_grpc(settings: Settings, services: Services, stack: contextlib.AsyncExitStack) -> int | None:
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
            streams_per_connection=group.max_concurrent_streams,
            calls=group.max_calls,
        ),
        address,
        trusted_proxies=settings.server.trusted_proxies,
        has_reflection=settings.docs.enabled,
    )
    await server.start()
    stack.push_async_callback(server.stop, STOP_SECONDS)
    structlog.get_logger().info(f"gRPC running on {Address(address.host, port)}")
    return port
