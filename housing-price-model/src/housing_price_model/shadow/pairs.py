"""Reads the answered and the shadow's price of each house that was also sent to a shadow."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from housing_price_model.errors import LogError
from housing_price_model.prediction_log.database import PREDICTION, REALISED, SHADOW_PREDICTION
from housing_price_model.prediction_log.reader import PredictionLog
from housing_price_model.prediction_log.rows import Window, values_of
from housing_price_model.reference.tally import GROUP


@dataclass(frozen=True)
class Estimate:
    """A price and its interval, in US dollars."""

    price: float
    low: float
    high: float

    def covers(self, price: float) -> bool:
        """Return whether a price is inside the interval."""
        return self.low <= price <= self.high


@dataclass(frozen=True)
class Pair:
    """The two estimates of one house."""

    transaction: str
    """Transaction id of the prediction."""
    group: str | None
    """Neighbourhood; None if unknown."""
    answered: Estimate
    """The estimate that the caller received."""
    shadow: Estimate
    """The shadow's estimate."""


_BOTH: Final = PREDICTION.join(SHADOW_PREDICTION, PREDICTION.c.transaction_id == SHADOW_PREDICTION.c.transaction_id)
_ESTIMATES: Final = tuple(
    table.c[name].label(f"{side}_{name}")
    for side, table in (("answered", PREDICTION), ("shadow", SHADOW_PREDICTION))
    for name in ("price_usd", "low_usd", "high_usd")
)


def pairs(log: PredictionLog, window: Window, version: str, answered_by: str | None = None) -> Iterator[Pair]:
    """Yield the houses that a version priced as a shadow, in order of prediction time.

    Args:
        log: The prediction log.
        window: Time window of the answers.
        version: The shadow's version.
        answered_by: Only houses that this version answered.

    Raises:
        LogError: the log cannot be read, or a row violates the contract.
    """
    table = PREDICTION.c
    query = (
        sa.select(table.transaction_id, table.columns_version, table.inputs, *_ESTIMATES)
        .select_from(_BOTH)
        .where(*_conditions(window, version, answered_by))
        .order_by(table.predicted_at, table.transaction_id)
    )
    with log.stream(query) as rows:
        for row in rows:
            names = log.columns_of(row.columns_version)
            values = dict(zip(names, values_of(row.transaction_id, row.inputs, len(names)), strict=True))
            yield Pair(row.transaction_id, values.get(GROUP), *_estimates(row))


def sold_pairs(
    log: PredictionLog, window: Window, version: str, answered_by: str | None = None
) -> Iterator[tuple[float, Estimate, Estimate]]:
    """Yield (sale price, answered estimate, shadow estimate) of the pairs with a known sale price.

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
                raise LogError(f"{row.transaction_id}: invalid sale price {row.sale_price_usd}")
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
            raise LogError(f"{row.transaction_id}: invalid estimate: low {one.low}, price {one.price}, high {one.high}")
    return answered, shadow
