"""Records of a request and of a model server call, filled in by each layer that handles them.

Records are not passed as arguments: each layer finds the current one in a context variable, and does nothing without
one. Their values appear in the log, `Server-Timing`, metrics, traces and the prediction log.
"""

from contextvars import ContextVar
from dataclasses import dataclass, field

from opentelemetry.trace import Span


@dataclass(slots=True)
class CallRecord:
    """A call to a model server. It may carry many requests and take several attempts."""

    id: str = ""
    """The id of the last attempt in the model server's log."""
    rows: int = 0
    """Number of houses in the call."""
    attempts: int = 0
    """Number of attempts: retries plus one."""
    address: str = ""
    """The model server of the last attempt, as scheme, host and port."""
    circuit: str = ""
    """The state of that model server's circuit at the end of the call: `closed`, `open` or `half-open`."""
    seconds: float = 0.0
    """Duration of the call, including all attempts."""
    spans: list[Span] = field(default_factory=list)
    """The spans of the requests that the call carries; empty if tracing is off."""


@dataclass(slots=True)
class RequestRecord:
    """One request, from its first byte to its last."""

    request_id: str
    route: str = ""
    """The path template; empty for unknown paths."""
    key_id: str | None = None
    """The id of the caller's API key or token."""
    rows: int = 0
    """Number of houses in the request."""
    validate_seconds: float = 0.0
    """Time to parse and validate the body, excluding receiving it."""
    queue_seconds: float = 0.0
    """Time waiting for a call; for a batch, that of its slowest part."""
    model_seconds: float = 0.0
    """Time waiting for the answer to the call; for a batch, that of its slowest part."""
    encode_seconds: float = 0.0
    """Time to encode the response."""
    calls: list[CallRecord] = field(default_factory=list)
    """The calls that carried the houses."""
    model_id: str | None = None
    """The model that predicted the prices; the last one if there were several."""
    refusal: str | None = None
    """The public name of the error with which the request ended."""
    is_stream: bool = False
    """Whether the response is streamed while the request is still being received."""
    span: Span | None = None
    """The request's span; None if tracing is off."""
    trace_id: str = ""
    """The trace id, as 32 hexadecimal digits."""


current_request: ContextVar[RequestRecord | None] = ContextVar("current_request", default=None)
"""The record of the request that the current task handles."""

current_call: ContextVar[CallRecord | None] = ContextVar("current_call", default=None)
"""The record of the call that the current task makes."""
