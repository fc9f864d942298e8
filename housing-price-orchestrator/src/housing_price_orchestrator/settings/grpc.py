"""The gRPC interface: its port and its limits."""

import importlib.util
from typing import Annotated, Final

from pydantic import AfterValidator, BeforeValidator, Field

from housing_price_orchestrator.settings.base import Bytes, Group

_PACKAGES: Final = ("grpc", "grpc_health", "grpc_reflection")


def _check_extra(port: int | None) -> int | None:
    if port is not None and any(importlib.util.find_spec(package) is None for package in _PACKAGES):
        raise ValueError("gRPC needs the extra `grpc`: install housing-price-orchestrator[grpc]")
    return port


type _Port = Annotated[int, Field(ge=0, le=65535)]


class GrpcSettings(Group):
    """The gRPC interface (docs/grpc.md). Off without a port."""

    port: Annotated[
        _Port | None, BeforeValidator(lambda value: None if value == "" else value), AfterValidator(_check_extra)
    ] = None
    """Port of the gRPC interface, on the API's host and with its certificate; 0 picks a free one. Empty: off."""
    max_message_bytes: Bytes = 16 * 1024 * 1024
    """Maximum size of a received message; a house takes about 0.4 kB."""
    max_connections: Annotated[int, Field(ge=1, le=100_000)] = 1_000
    """Maximum open connections per worker; further ones are closed, and their calls end with UNAVAILABLE."""
    max_concurrent_streams: Annotated[int, Field(ge=1, le=100_000)] = 100
    """Maximum calls in progress per connection; a client waits with further ones."""
    max_calls: Annotated[int, Field(ge=1, le=100_000)] = 1_000
    """Maximum calls in progress per worker; further ones get RESOURCE_EXHAUSTED."""
