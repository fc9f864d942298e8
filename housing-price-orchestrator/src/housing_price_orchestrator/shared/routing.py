"""The model versions in service and their statistics."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from housing_price_orchestrator.shared.ports import ModelIdentity, Variant


@dataclass(frozen=True, slots=True)
class VariantState:
    """A version in its role, with its statistics since the start of this process."""

    variant: Variant
    version: str
    model_id: str
    addresses: Sequence[str]
    """Without user names and passwords."""
    weight: float
    """The share of houses that the version prices."""
    answered: int
    failed: int
    p50_seconds: float | None
    """Estimated from a histogram; None without answers."""
    p99_seconds: float | None
    median_deviation: float | None
    """For a canary: the median of |log(canary price / champion price)| over the latest comparisons."""


@dataclass(frozen=True, slots=True)
class StoppedCanary:
    """A canary that this process stopped; it stays stopped until the routes change."""

    version: str
    model_id: str
    revision: int
    """The revision of the routes in which the canary was stopped."""
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ComparablesState:
    """The comparables model in service."""

    model: ModelIdentity | None
    """The model that answered the latest probe; None before the first answer."""
    is_answering: bool
    """Whether it answers its probes."""
    addresses: Sequence[str]
    """Without user names and passwords."""


@dataclass(frozen=True, slots=True)
class RoutingState:
    """The routing of this process."""

    revision: int
    """The revision of the routes in use; 0 without a routes file."""
    is_file_usable: bool | None
    """Whether the current routes file is valid; None without one."""
    variants: Sequence[VariantState]
    """The champion, and the canary and the shadow if there are any."""
    stopped: StoppedCanary | None
    comparables: ComparablesState | None
    """None if no comparables server is configured."""


class Routing(Protocol):
    """Reports the model versions in service."""

    def state(self) -> RoutingState:
        """Return the current routing."""
        ...
