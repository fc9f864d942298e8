"""How large the body of each operation may be."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """Limits by operation: the bytes of a body or of a line of a stream, and how long a stream may stand still."""

    predict_bytes: int
    batch_bytes: int
    line_bytes: int
    idle_seconds: float
