"""Who answers at the moment, and what was seen of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from housing_price_orchestrator.shared.ports import Variant


@dataclass(frozen=True, slots=True)
class SeenVariant:
    """A version in its part, and what this process has seen of it since it began."""

    variant: Variant
    version: str
    model_id: str
    addresses: Sequence[str]
    """Without names and passwords."""
    weight: float
    """The share of the houses that it answers for."""
    answered: int
    failed: int
    p50_seconds: float | None
    """Estimated from a histogram; None where nothing was answered."""
    p99_seconds: float | None
    median_deviation: float | None
    """Of a canary: the median of |log(price / the champion's price)| over the latest comparisons."""


@dataclass(frozen=True, slots=True)
class StoppedCanary:
    """A canary that this process has stopped, until the routes change."""

    version: str
    model_id: str
    revision: int
    """Of the routes that it was in."""
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class RoutingState:
    """What this process does at the moment."""

    revision: int
    """Of the routes that it uses; 0 where it follows none."""
    is_file_usable: bool | None
    """Whether the file of routes is good as it is now; None where there is none."""
    variants: Sequence[SeenVariant]
    """The champion, and the canary and the shadow where there are."""
    stopped: StoppedCanary | None


class Routing(Protocol):
    """Knows who answers."""

    def state(self) -> RoutingState:
        """Tell how it is now."""
        ...
