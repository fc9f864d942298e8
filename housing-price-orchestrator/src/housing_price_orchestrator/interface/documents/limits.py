"""Limits of request bodies and connections."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """Limits of request bodies."""

    predict_bytes: int
    """Maximum size of the body of a single house."""
    batch_bytes: int
    """Maximum size of the body of a batch."""
    valuation_batch_bytes: int
    """Maximum size of the body of a batch of valuations, which has far fewer houses."""
    body_seconds: float
    """Maximum time to receive a body."""
    line_bytes: int
    """Maximum length of a line of a stream."""
    idle_seconds: float
    """Maximum time for which a stream may send or read nothing."""


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """Limits of connections."""

    connections: int = 4096
    """Maximum connections served. Up to twice as many are accepted; those beyond the maximum get a 503."""
    client_seconds: float = 8.0
    """Timeout for the head of a request, for a TLS handshake, and for reading any part of a response."""
    keep_alive_seconds: int = 8
    """Timeout for the next request on a connection."""
    head_bytes: int = 64 * 1024
    """Maximum size of the request line and all headers."""
    discarded_bytes: int = 64 * 1024 * 1024
    """Maximum bytes read and discarded of a rejected body, so that its sender gets to read the response."""
    delayed_close_seconds: float = 1.0
    """Maximum pause of the sender of a rejected body before the connection closes."""
