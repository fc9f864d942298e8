"""Limits of the gRPC interface besides those that it shares with HTTP."""

from dataclasses import dataclass
from typing import Final

MAX_STREAM_HOUSES: Final = 1_000
"""Maximum houses in one message of a stream."""


@dataclass(frozen=True, slots=True)
class RpcLimits:
    """Limits of messages and calls."""

    message_bytes: int
    """Maximum size of a received message."""
    connections: int
    """Maximum open connections of each address; further ones are closed before their handshake."""
    streams_per_connection: int
    """Maximum calls in progress on one connection; a client waits with further ones."""
    calls: int
    """Maximum calls in progress; further ones are refused."""
