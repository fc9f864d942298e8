"""Prices logged rows again, with the same or another model, and tells how the prices differ."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from housing_price_model.errors import LogError
from housing_price_model.prediction_log.reader import Page, PredictionLog, Window
from housing_price_model.reference.tally import GROUP
from housing_price_model.serving.fast_scoring import DirectModel, Rows
from housing_price_model.serving.find_model import located


@dataclass
class Differences:
    """How replayed prices differ from the logged ones, in US dollars; what is counted never grows with the rows.

    Attributes:
        rows: How many rows.
        identical: How many of them have the same price, low and high, bit for bit.
        sum_usd: The sum of replayed minus logged price; `sum_absolute_usd` without its sign.
        worst_usd: The largest difference, with its sign; `worst_transaction` is where.
    """

    rows: int = 0
    identical: int = 0
    sum_usd: float = 0.0
    sum_absolute_usd: float = 0.0
    worst_usd: float = 0.0
    worst_transaction: str | None = None

    def add(self, transaction: str, logged: Sequence[float], replayed: Sequence[float]) -> None:
        """Count one row: price, low and high of both."""
        difference = replayed[0] - logged[0]
        self.rows += 1
        self.identical += tuple(replayed) == tuple(logged)
        self.sum_usd += difference
        self.sum_absolute_usd += abs(difference)
        if abs(difference) > abs(self.worst_usd):
            self.worst_usd, self.worst_transaction = difference, transaction

    def summary(self) -> dict[str, Any]:
        """Give the figures to show: means in place of sums."""
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
    """What a replay found.

    Attributes:
        name: The model's name, `version` its version and `model_id` its identity.
        total: All rows.
        own: Those that this very model had priced: they must be identical.
        by_group: By neighbourhood.
    """

    name: str
    version: str
    model_id: str
    total: Differences = field(default_factory=Differences)
    own: Differences = field(default_factory=Differences)
    by_group: dict[str, Differences] = field(default_factory=dict)

    @property
    def is_reproduced(self) -> bool:
        """Whether every price that this model had made came back bit for bit."""
        return self.own.identical == self.own.rows

    def to_json(self) -> dict[str, Any]:
        """Give all of it for other programs."""
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
        log: Where they are.
        window: Which of them.
        model: An exported folder or `models:/...`.
        tracking_uri: The tracking server, for `models:/...`.
        model_id: Only rows that this model had priced.

    Raises:
        LogError: the log cannot be read, or holds a row that the model refuses.
        ArtefactError, RegistryError: see `located`.
    """
    with located(model, tracking_uri) as found:
        loaded = found.load()
        done = Replay(found.name, found.version, found.model_id)
        for page in log.pages(window, model_id):
            _add(done, page, _priced(loaded, page))
    return done


def _priced(model: DirectModel, page: Page) -> Iterator[tuple[float, float, float]]:
    try:
        answer: pd.DataFrame = model.predict(Rows(page.columns, page.rows))
    except ValueError as exc:
        raise LogError(f"{page.transactions[0]} or one of the {len(page.rows):,} rows from it on: {exc}") from exc
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
