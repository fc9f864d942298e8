"""The gRPC server: its services, limits and address."""

from dataclasses import dataclass
from typing import Any, Final

import grpc
from grpc import aio
from grpc_health.v1 import health_pb2_grpc
from grpc_reflection.v1alpha import reflection
from opentelemetry.trace import Tracer

from housing_price_orchestrator.interface.grpc.call_handling import CallHandling
from housing_price_orchestrator.interface.grpc.health import HEALTH_SERVICE_NAME, Health
from housing_price_orchestrator.interface.grpc.limits import RpcLimits
from housing_price_orchestrator.interface.grpc.peer import PeerAddresses
from housing_price_orchestrator.interface.grpc.price_service import SERVICE_NAME, price_service
from housing_price_orchestrator.interface.grpc.strict_parsing import StrictParsing
from housing_price_orchestrator.interface.services import Services

_UNCOMPRESSED_ONLY: Final = 1
"""The set of accepted compressions: a small message could become a huge one."""

_HANDSHAKE_MILLISECONDS: Final = 8_000
"""Maximum time to open a connection, TLS included; gRPC's default is 2 minutes."""

_IDLE_MILLISECONDS: Final = 300_000
"""Time after which a connection without a call is closed; clients open a new one for their next call."""

_KEEPALIVE_MILLISECONDS: Final = 60_000
_KEEPALIVE_TIMEOUT_MILLISECONDS: Final = 20_000
"""Clients that have vanished are noticed after both."""

_READ_AHEAD_BYTES: Final = 256 * 1024
"""Bytes of a stream that may wait in the server before they are read."""

_MAX_METADATA_BYTES: Final = 16 * 1024
"""Maximum size of the metadata of a call; gRPC refuses more with RESOURCE_EXHAUSTED."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where the server listens."""

    host: str
    port: int
    """0 for any free port."""
    certificate: tuple[bytes, bytes] | None = None
    """Key and certificate chain in PEM; None without TLS."""
    is_shared: bool = False
    """Whether other processes listen on the same port."""

    def __str__(self) -> str:
        """Return host and port as gRPC and URLs write them."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def make_server(
    services: Services,
    limits: RpcLimits,
    address: Address,
    *,
    tracer: Tracer | None,
    trusted_proxies: tuple[str, ...],
    has_reflection: bool,
) -> tuple[aio.Server, int]:
    """Make a server that is bound but not started; returns it and its port.

    Raises:
        OSError: The address cannot be used.
    """
    server = aio.server(
        interceptors=(StrictParsing(exempt=SERVICE_NAME),),
        options=_options(limits, is_shared=address.is_shared),
        maximum_concurrent_rpcs=limits.calls,
    )
    handling = CallHandling(services, limits, PeerAddresses(trusted_proxies), tracer)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE_NAME, price_service(handling)),))
    health_pb2_grpc.add_HealthServicer_to_server(Health(services.readiness), server)
    if has_reflection:
        names = (SERVICE_NAME, HEALTH_SERVICE_NAME, reflection.SERVICE_NAME)
        reflection.enable_server_reflection(names, server)
    try:
        if address.certificate is None:
            port = server.add_insecure_port(str(address))
        else:
            port = server.add_secure_port(str(address), grpc.ssl_server_credentials([address.certificate]))
    except RuntimeError as error:
        raise OSError(f"gRPC cannot listen on {address}") from error
    if port == 0:
        raise OSError(f"gRPC cannot listen on {address}")
    return server, port


def _options(limits: RpcLimits, *, is_shared: bool) -> list[tuple[str, Any]]:
    return [
        ("grpc.max_receive_message_length", limits.message_bytes),
        ("grpc.max_send_message_length", -1),
        ("grpc.max_allowed_incoming_connections", limits.connections),
        ("grpc.max_concurrent_streams", limits.streams_per_connection),
        ("grpc.max_metadata_size", _MAX_METADATA_BYTES),
        ("grpc.absolute_max_metadata_size", _MAX_METADATA_BYTES),
        ("grpc.compression_enabled_algorithms_bitset", _UNCOMPRESSED_ONLY),
        ("grpc.server_handshake_timeout_ms", _HANDSHAKE_MILLISECONDS),
        ("grpc.max_connection_idle_ms", _IDLE_MILLISECONDS),
        ("grpc.keepalive_time_ms", _KEEPALIVE_MILLISECONDS),
        ("grpc.keepalive_timeout_ms", _KEEPALIVE_TIMEOUT_MILLISECONDS),
        # A fixed window: gRPC's own measurement of the connection would let it grow to many megabytes per stream.
        ("grpc.http2.bdp_probe", 0),
        ("grpc.http2.lookahead_bytes", _READ_AHEAD_BYTES),
        ("grpc.so_reuseport", int(is_shared)),
    ]
