"""How large the body of each operation may be."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """How large and how slow a body may be, how long a line of a stream, and how long a stream may stand still."""

    predict_bytes: int
    batch_bytes: int
    body_seconds: float
    line_bytes: int
    idle_seconds: float
