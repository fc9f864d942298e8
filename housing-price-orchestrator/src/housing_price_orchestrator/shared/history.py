"""Logged predictions and actual prices, and the port through which the service layer reads them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, Protocol

from housing_price_orchestrator.shared.ports import PriceEstimate, ValuationRecord
from housing_price_survey.ratio_study import RatioStudy

MAX_ACTUALS: Final = 10_000
"""Maximum sale prices per request."""

MAX_STUDIED_SALES: Final = 10_000
"""Maximum sold houses in ratio studies: the latest ones. They take about 0.2 s of one processor core."""


@dataclass(frozen=True, slots=True)
class LogCaller:
    """A caller of the operations on the log. A logged house, with its id and its sale price, belongs to one caller."""

    key_id: str | None
    """The caller's id in the log; None without authentication, where all requests are those of one caller."""
    sees_all: bool
    """Whether the caller may look up the predictions of all callers, and report sale prices for their transactions."""


@dataclass(frozen=True, slots=True)
class LoggedPrediction:
    """A logged prediction. Times are timezone-aware, in UTC."""

    transaction_id: str
    predicted_at: datetime
    request_id: str
    key_id: str | None
    house: Mapping[str, Any]
    """The priced house as a public document; absent features are null."""
    estimate: PriceEstimate
    source: str
    variant: str | None
    """The role of the model, as logged; None for predictions logged before roles existed."""
    valuation: ValuationRecord | None = None
    """The valuation that was returned with the price; None if only a price was returned."""


@dataclass(frozen=True, slots=True)
class LogPosition:
    """A position in the log, for paging: just after this prediction, toward older ones."""

    predicted_at: datetime
    transaction_id: str


@dataclass(frozen=True, slots=True)
class LogQuery:
    """A filter for predictions; None matches all."""

    limit: int
    request_id: str | None = None
    model_version: str | None = None
    since: datetime | None = None
    """Inclusive lower bound of the time of prediction."""
    until: datetime | None = None
    """Exclusive upper bound of the time of prediction."""
    after: LogPosition | None = None


@dataclass(frozen=True, slots=True)
class Actual:
    """The sale price of a house, identified by a transaction id or by the caller's own house id."""

    transaction_id: str | None
    house_id: int | None
    sale_price_usd: float
    sold_on: date | None


@dataclass(frozen=True, slots=True)
class ActualsResult:
    """The result of storing sale prices."""

    stored: int
    """Number of sale prices that were new or corrected an earlier one."""
    unchanged: int
    """Number of sale prices that were stored before."""
    unknown: Sequence[int]
    """Indices of sale prices that match no logged prediction; these are not stored."""


@dataclass(frozen=True, slots=True)
class RealisedError:
    """The realised error of a model version for houses sold in one month."""

    model_name: str
    model_version: str
    month: str
    """Year and month, such as 2026-11."""
    count: int
    mae_usd: float
    """Mean absolute error, in US dollars."""
    rmsle: float
    """Root mean square of ln(predicted / actual)."""
    coverage: float
    """Share of houses whose actual price was inside the interval."""


@dataclass(frozen=True, slots=True)
class RealisedStudy:
    """The ratio study of a model version: its predictions against the sale prices of the latest sold houses."""

    model_name: str
    model_version: str
    all_sales: RatioStudy
    arms_length: RatioStudy | None
    """The study of sales at arm's length alone; None if there are none."""


class PredictionHistory(Protocol):
    """Reads the prediction log and stores sale prices.

    Never blocks the event loop. The latest predictions may not be written yet.

    For a caller that does not see all, predictions of other callers do not exist: no answer reveals them.

    Every method raises `PredictionLogUnavailable` if the log is unreachable or too slow, and `ValueUnsupported` if the
    database cannot process a value of the query.
    """

    async def find(self, transaction_id: str, /, *, caller: LogCaller) -> LoggedPrediction | None:
        """Return a prediction, or None if there is none."""
        ...

    async def search(self, query: LogQuery, /, *, caller: LogCaller) -> Sequence[LoggedPrediction]:
        """Return matching predictions, newest first, up to the query's limit."""
        ...

    async def store_actuals(self, actuals: Sequence[Actual], *, caller: LogCaller) -> ActualsResult:
        """Store the sale prices that match a logged prediction and are not stored yet.

        A house id is always the caller's own. A transaction of another caller matches only if the caller sees all; the
        sale price then belongs to the owner of the prediction.
        """
        ...

    async def realised_errors(self, *, caller: LogCaller) -> Sequence[RealisedError]:
        """Return the realised error by model version and month of sale, sorted in that order."""
        ...

    async def realised_studies(self, *, caller: LogCaller) -> Sequence[RealisedStudy]:
        """Return the ratio study of each model version, over the latest `MAX_STUDIED_SALES` sold houses."""
        ...
