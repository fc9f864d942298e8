"""Forgets predictions that are older than they may be."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from housing_price_orchestrator.provider.store.tables import prediction

ROWS_AT_A_TIME = 1_000
"""Rows that one transaction deletes, so that it is short and the log's other writers do not wait."""


def delete_some_before(engine: Engine, time: datetime) -> int:
    """Delete up to `ROWS_AT_A_TIME` predictions made before `time` (UTC, without a zone); tells how many."""
    old = sa.select(prediction.c.transaction_id).where(prediction.c.predicted_at < time).limit(ROWS_AT_A_TIME)
    with engine.begin() as connection:
        deleted = connection.execute(sa.delete(prediction).where(prediction.c.transaction_id.in_(old)))
    return int(deleted.rowcount)
