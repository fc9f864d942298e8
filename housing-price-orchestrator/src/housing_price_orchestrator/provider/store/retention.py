"""Deletes prices, valuations and reported sale prices that are older than the retention period."""

from datetime import datetime
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from housing_price_orchestrator.provider.store.tables import actual, prediction, shadow_prediction, valuation

ROWS_PER_TRANSACTION: Final = 1_000
"""Rows deleted per transaction: short transactions do not block other writers of the log."""

_TIMES: Final = (prediction.c.predicted_at, shadow_prediction.c.shadowed_at, valuation.c.valued_at)


def delete_some_before(engine: Engine, time: datetime) -> int:
    """Delete up to `ROWS_PER_TRANSACTION` rows per table older than `time` (UTC, without a zone); returns how many."""
    return sum(_delete_some_before(engine, created_at, time) for created_at in _TIMES) + _delete_actuals(engine, time)


def _delete_some_before(engine: Engine, created_at: sa.Column[datetime], time: datetime) -> int:
    table = created_at.table
    old = sa.select(table.c.transaction_id).where(created_at < time).limit(ROWS_PER_TRANSACTION)
    with engine.begin() as connection:
        deleted = connection.execute(sa.delete(table).where(table.c.transaction_id.in_(old)))
    return int(deleted.rowcount)


def _delete_actuals(engine: Engine, time: datetime) -> int:
    # Ids increase with time. Looking only at the lowest ones needs no index on the time.
    lowest = sa.select(actual.c.id).order_by(actual.c.id).limit(ROWS_PER_TRANSACTION)
    with engine.begin() as connection:
        deleted = connection.execute(sa.delete(actual).where(actual.c.id.in_(lowest), actual.c.received_at < time))
    return int(deleted.rowcount)
