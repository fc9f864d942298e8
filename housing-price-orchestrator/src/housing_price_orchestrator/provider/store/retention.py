"""Forgets prices that are older than they may be."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from housing_price_orchestrator.provider.store.tables import prediction, shadow_prediction

ROWS_AT_A_TIME = 1_000
"""Rows that one transaction deletes, so that it is short and the log's other writers do not wait."""

_TIMES = (prediction.c.predicted_at, shadow_prediction.c.shadowed_at)


def delete_some_before(engine: Engine, time: datetime) -> int:
    """Delete up to `ROWS_AT_A_TIME` rows of each table made before `time` (UTC, without a zone); tells how many."""
    return sum(_delete_some_before(engine, made_at, time) for made_at in _TIMES)


def _delete_some_before(engine: Engine, made_at: sa.Column[datetime], time: datetime) -> int:
    table = made_at.table
    old = sa.select(table.c.transaction_id).where(made_at < time).limit(ROWS_AT_A_TIME)
    with engine.begin() as connection:
        deleted = connection.execute(sa.delete(table).where(table.c.transaction_id.in_(old)))
    return int(deleted.rowcount)
