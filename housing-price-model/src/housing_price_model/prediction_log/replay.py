"""Prices logged rows again, with the same or another model, and measures the differences."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from housing_price_model.artefact.kinds import require_price_model
from housing_price_model.errors import LogError
from housing_price_model.prediction_log.reader import PredictionLog
from housing_price_model.prediction_log.rows import Page, Window
from housing_price_model.reference.tally import GROUP
from housing_price_model.serving.fast_scoring import DirectModel, Rows
from housing_price_model.serving.find_model import open_model


@dataclass
class Differences:
    """Running statistics of replayed minus logged price, in US dollars; memory use is constant."""

    rows: int = 0
    """Number of rows."""
    identical: int = 0
    """Number of rows whose price, low and high are equal bit for bit."""
    sum_usd: float = 0.0
    """Sum of the differences; `sum_absolute_usd` of their absolute values."""
    sum_absolute_usd: float = 0.0
    worst_usd: float = 0.0
    """The largest signed difference by absolute value; `worst_transaction` is its transaction."""
    worst_transaction: str | None = None

    def add(self, transaction: str, logged: Sequence[float], replayed: Sequence[float]) -> None:
        """Add one row, given price, low and high of both."""
        difference = replayed[0] - logged[0]
        self.rows += 1
        self.identical += tuple(replayed) == tuple(logged)
        self.sum_usd += difference
        self.sum_absolute_usd += abs(difference)
        if abs(difference) > abs(self.worst_usd):
            self.worst_usd, self.worst_transaction = difference, transaction

    def summary(self) -> dict[str, Any]:
        """Return the statistics for output, with means instead of sums."""
        rows = max(self.rows, 1)
        return {
            "rows": self.rows,
            "identical": self.identical,
            "mean_usd": self.sum_usd / rows,
            "mean_absolute_usd": self.sum_absolute_usd / rows,
            "worst_usd": self.worst_usd,
            "worst_transaction": self.worst_transaction,
        }


@dataclass
class Replay:
    """The result of a replay."""

    name: str
    """Name of the replaying model; `version` and `model_id` identify it."""
    version: str
    model_id: str
    total: Differences = field(default_factory=Differences)
    """Differences over all rows."""
    own: Differences = field(default_factory=Differences)
    """Differences over the rows that the same model had priced; these must be identical."""
    by_group: dict[str, Differences] = field(default_factory=dict)
    """Differences by neighbourhood."""

    @property
    def is_reproduced(self) -> bool:
        """Whether the model reproduces all of its own logged prices bit for bit."""
        return self.own.identical == self.own.rows

    def to_json(self) -> dict[str, Any]:
        """Return the JSON document."""
        return {
            "version": 1,
            "model": {"name": self.name, "version": self.version, "model_id": self.model_id},
            "is_reproduced": self.is_reproduced,
            "total": self.total.summary(),
            "own": self.own.summary(),
            "by_neighbourhood": {group: one.summary() for group, one in sorted(self.by_group.items())},
        }


def replay(log: PredictionLog, window: Window, model: str, tracking_uri: str, model_id: str | None = None) -> Replay:
    """Price the rows of a window again, a page at a time.

    Args:
        log: The prediction log.
        window: The part of the log to replay.
        model: An exported folder or a `models:/...` URI.
        tracking_uri: The tracking server for `models:/...`.
        model_id: Only replay rows that this model priced.

    Raises:
        LogError: the log cannot be read, or the model rejects a row.
        ArtefactError: The model prices no houses; see also `open_model`.
        RegistryError: See `open_model`.
    """
    with open_model(model, tracking_uri) as found:
        require_price_model(found.name, model)
        loaded = found.load()
        done = Replay(found.name, found.version, found.model_id)
        for page in log.pages(window, model_id):
            _add(done, page, _priced(loaded, page))
    return done


def _priced(model: DirectModel, page: Page) -> Iterator[tuple[float, float, float]]:
    try:
        answer: pd.DataFrame = model.predict(Rows(page.columns, page.rows))
    except ValueError as error:
        raise LogError(f"one of the {len(page.rows):,} rows from {page.transactions[0]} on: {error}") from error
    return zip(*(answer[name].tolist() for name in ("price", "low", "high")), strict=True)


def _add(done: Replay, page: Page, replayed: Iterator[tuple[float, float, float]]) -> None:
    at = page.columns.index(GROUP) if GROUP in page.columns else None
    for row, transaction, model_id, logged, priced in zip(
        page.rows, page.transactions, page.model_ids, page.estimates, replayed, strict=True
    ):
        done.total.add(transaction, logged, priced)
        if model_id == done.model_id:
            done.own.add(transaction, logged, priced)
        if at is not None and row[at] is not None:
            done.by_group.setdefault(row[at], Differences()).add(transaction, logged, priced)
