"""How large the body of each operation may be."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """Limits in bytes, by operation."""

    predict_bytes: int
    batch_bytes: int
