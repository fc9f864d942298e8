"""Reads both prices of each house that a shadow saw, too."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from housing_price_model.errors import LogError
from housing_price_model.prediction_log.database import PREDICTION, REALISED, SHADOW_PREDICTION
from housing_price_model.prediction_log.reader import PredictionLog, Window, values_of
from housing_price_model.reference.tally import GROUP


@dataclass(frozen=True)
class Estimate:
    """A price and its interval, in US dollars."""

    price: float
    low: float
    high: float

    def covers(self, price: float) -> bool:
        """Whether a price is inside the interval."""
        return self.low <= price <= self.high


@dataclass(frozen=True)
class Pair:
    """One house that two models priced.

    Attributes:
        transaction: The id of the price that was answered.
        group: Where the house stands; None where that was not said.
        answered: What the caller was told.
        shadow: What the shadow said.
    """

    transaction: str
    group: str | None
    answered: Estimate
    shadow: Estimate


_BOTH: Final = PREDICTION.join(SHADOW_PREDICTION, PREDICTION.c.transaction_id == SHADOW_PREDICTION.c.transaction_id)
_ESTIMATES: Final = tuple(
    table.c[name].label(f"{side}_{name}")
    for side, table in (("answered", PREDICTION), ("shadow", SHADOW_PREDICTION))
    for name in ("price_usd", "low_usd", "high_usd")
)


def pairs(log: PredictionLog, window: Window, version: str, answered_by: str | None = None) -> Iterator[Pair]:
    """Give the houses that a version saw as a shadow, in the order of their prices' time.

    Args:
        log: The prediction log.
        window: When they were answered.
        version: The version that was the shadow.
        answered_by: Only those that this version answered.

    Raises:
        LogError: the log cannot be read, or a row is not what the contract says.
    """
    columns: dict[int, Sequence[str]] = {}
    table = PREDICTION.c
    query = (
        sa.select(table.transaction_id, table.columns_version, table.inputs, *_ESTIMATES)
        .select_from(_BOTH)
        .where(*_conditions(window, version, answered_by))
        .order_by(table.predicted_at, table.transaction_id)
    )
    with log.stream(query) as rows:
        for row in rows:
            if row.columns_version not in columns:
                columns[row.columns_version] = log.columns_of(row.columns_version)
            names = columns[row.columns_version]
            values = dict(zip(names, values_of(row.transaction_id, row.inputs, len(names)), strict=True))
            yield Pair(row.transaction_id, values.get(GROUP), *_estimates(row))


def sold_pairs(
    log: PredictionLog, window: Window, version: str, answered_by: str | None = None
) -> Iterator[tuple[float, Estimate, Estimate]]:
    """Give those of them that were sold since: what was paid, what was answered, what the shadow said.

    Raises:
        LogError: as for `pairs`.
    """
    sale = REALISED.c
    query = (
        sa.select(PREDICTION.c.transaction_id, sale.sale_price_usd, *_ESTIMATES)
        .select_from(_BOTH.join(REALISED, PREDICTION.c.transaction_id == sale.transaction_id))
        .where(*_conditions(window, version, answered_by))
    )
    with log.stream(query) as rows:
        for row in rows:
            if not row.sale_price_usd > 0:
                raise LogError(f"{row.transaction_id}: was sold for {row.sale_price_usd}, which is no price")
            yield row.sale_price_usd, *_estimates(row)


def _conditions(window: Window, version: str, answered_by: str | None) -> Sequence[sa.ColumnElement[bool]]:
    conditions = [SHADOW_PREDICTION.c.model_version == version]
    if answered_by is not None:
        conditions.append(PREDICTION.c.model_version == answered_by)
    if window.start is not None:
        conditions.append(PREDICTION.c.predicted_at >= window.start)
    if window.end is not None:
        conditions.append(PREDICTION.c.predicted_at < window.end)
    return conditions


def _estimates(row: sa.Row[tuple[object, ...]]) -> tuple[Estimate, Estimate]:
    answered = Estimate(row.answered_price_usd, row.answered_low_usd, row.answered_high_usd)
    shadow = Estimate(row.shadow_price_usd, row.shadow_low_usd, row.shadow_high_usd)
    for one in (answered, shadow):
        if not 0 < one.low <= one.price <= one.high:
            raise LogError(f"{row.transaction_id}: {one.low}, {one.price}, {one.high} is no price with its interval")
    return answered, shadow
