"""What is remembered about prices, and what the service layer asks of whoever remembers it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Protocol

from housing_price_orchestrator.shared.ports import PriceEstimate

MAX_ACTUALS = 10_000
"""So many sale prices are told at a time."""


@dataclass(frozen=True, slots=True)
class LoggedPrediction:
    """A price that was answered. Times are UTC, with their zone."""

    transaction_id: str
    predicted_at: datetime
    request_id: str
    key_id: str | None
    house: Mapping[str, Any]
    """The house as a public document: what was priced, with null where a feature was absent."""
    estimate: PriceEstimate
    source: str
    variant: str | None
    """In which part the model was asked, as it was written down; None for prices of before there were parts."""


@dataclass(frozen=True, slots=True)
class LogPosition:
    """A place in the log, between two predictions: after this one, on the way to older ones."""

    predicted_at: datetime
    transaction_id: str


@dataclass(frozen=True, slots=True)
class LogQuery:
    """Which predictions are asked for; None asks for all."""

    limit: int
    request_id: str | None = None
    model_version: str | None = None
    since: datetime | None = None
    """Not before this time."""
    until: datetime | None = None
    """Before this time."""
    after: LogPosition | None = None


@dataclass(frozen=True, slots=True)
class Actual:
    """What a house was sold for: the one of a transaction, or the one that its caller knows by a number."""

    transaction_id: str | None
    house_id: int | None
    sale_price_usd: float
    sold_on: date | None


@dataclass(frozen=True, slots=True)
class ActualsTaken:
    """What became of sale prices that were told."""

    stored: int
    """So many were new, or corrected an earlier one."""
    unchanged: int
    """So many had been told before."""
    unknown: Sequence[int]
    """Places of those that belong to no logged prediction; they were not kept."""


@dataclass(frozen=True, slots=True)
class RealisedError:
    """How far off a model version was, for houses that were sold in one month."""

    model_name: str
    model_version: str
    month: str
    """Year and month, such as 2026-11."""
    count: int
    mae_usd: float
    """The mean of what the price was off by."""
    rmsle: float
    """The root of the mean square of ln(predicted / actual)."""
    coverage: float
    """The share of the houses whose price was inside the interval."""


class PredictionHistory(Protocol):
    """Finds what the prediction log holds, and takes sale prices.

    Never blocks the event loop. What was answered a moment ago may not be there yet.

    Every method raises `PredictionLogUnavailable` where the log cannot be asked now, or takes too long.
    """

    async def find(self, transaction_id: str, /) -> LoggedPrediction | None:
        """Find one prediction; None where there is none."""
        ...

    async def search(self, query: LogQuery, /) -> Sequence[LoggedPrediction]:
        """Find predictions, the newest first, up to the query's limit."""
        ...

    async def take(self, actuals: Sequence[Actual], *, key_id: str | None) -> ActualsTaken:
        """Keep sale prices: all that belong to a logged prediction and are not known already."""
        ...

    async def realised_errors(self) -> Sequence[RealisedError]:
        """Compare predictions with what houses were sold for, by model version and month of sale, in that order."""
        ...
