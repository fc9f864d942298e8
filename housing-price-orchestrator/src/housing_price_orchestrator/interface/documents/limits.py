"""How much a request, and a connection, may ask for."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """How large and how slow a body may be, how long a line of a stream, and how long a stream may stand still."""

    predict_bytes: int
    batch_bytes: int
    body_seconds: float
    line_bytes: int
    idle_seconds: float


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """How many connections there may be, and how long one may keep us waiting."""

    connections: int = 4096
    """So many are served; what comes on top is told so."""
    client_seconds: float = 8.0
    """For the head of a request, for a TLS handshake, and for taking any part of an answer."""
    keep_alive_seconds: int = 8
    """For the next request."""
    head_bytes: int = 64 * 1024
    """The request line and all headers."""
    discarded_bytes: int = 64 * 1024 * 1024
    """What is read of a body that was refused, so that its sender comes to read the answer."""
    delayed_close_seconds: float = 1.0
    """How long the sender of such a body may pause."""
