"""What is known about a request and about a call, written down by whoever it passes on its way.

The layers do not hand these on: each finds the one of its own context, and does without where there is none. What is
written here ends up in the log, in `Server-Timing`, in the metrics, in the traces and in the prediction log.
"""

from contextvars import ContextVar
from dataclasses import dataclass, field

from opentelemetry.trace import Span


@dataclass(slots=True)
class CallRecord:
    """One call to a model server: what may carry many requests, and take several attempts."""

    id: str = ""
    """What the call is known by in the model server's log: of its last attempt."""
    rows: int = 0
    """How many houses it carries."""
    attempts: int = 0
    """How often a model server was asked; one more than it was retried."""
    address: str = ""
    """The model server that was asked last, as scheme, host and port."""
    circuit: str = ""
    """The state of that one's circuit breaker when the call ended: `closed`, `open` or `half-open`."""
    seconds: float = 0.0
    """From when it was sent to when its answer was there, all attempts together."""
    spans: list[Span] = field(default_factory=list)
    """The traces of the requests that it carries; empty where nothing is traced."""


@dataclass(slots=True)
class RequestRecord:
    """One request, from its first byte to its last."""

    request_id: str
    route: str = ""
    """The path as it is declared; empty where there is none."""
    key_id: str | None = None
    """Whose key it came with."""
    rows: int = 0
    """How many houses are asked about."""
    validate_seconds: float = 0.0
    """Reading and judging the body, without waiting for its bytes."""
    queue_seconds: float = 0.0
    """Waiting for a call to go along with; of a batch, that of its slowest piece."""
    model_seconds: float = 0.0
    """Waiting for the answer to that call; of a batch, that of its slowest piece."""
    encode_seconds: float = 0.0
    """Writing the answer."""
    calls: list[CallRecord] = field(default_factory=list)
    """The calls that carried its houses."""
    model_id: str | None = None
    """The model that made its prices; of several, the last."""
    refusal: str | None = None
    """The public name of the error that it ended with."""
    is_stream: bool = False
    """Whether it is answered while it is still being sent."""
    span: Span | None = None
    """Its part of a trace; None where nothing is traced."""
    trace_id: str = ""
    """What its trace is known by, as 32 hexadecimal digits."""


current_request: ContextVar[RequestRecord | None] = ContextVar("current_request", default=None)
"""The request that the running task works for."""

current_call: ContextVar[CallRecord | None] = ContextVar("current_call", default=None)
"""The call that the running task makes."""
