"""Copies a prediction log into another database, such as from SQLite to Postgres."""

from collections.abc import Callable
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from housing_price_orchestrator.provider.store.database import for_writing, is_current, upgrade
from housing_price_orchestrator.provider.store.tables import (
    actual,
    prediction,
    prediction_columns,
    shadow_prediction,
    valuation,
)

_ROWS_PER_INSERT: Final = 2_000
_TABLES: Final = (prediction_columns, prediction, shadow_prediction, valuation, actual)
_NUMBERED_BY_TARGET: Final = frozenset({actual.c.id})
"""Copied in this order, and numbered again: the latest sale price of a house still counts."""


class LogNotCopied(ValueError):
    """The log cannot be copied; the message says why."""


def copy_log(source: Engine, target: Engine, report: Callable[[str, int], object] = lambda *_: None) -> dict[str, int]:
    """Copy all rows in one transaction, so that an interrupted copy leaves nothing.

    Args:
        source: The log to read. Nothing may write to it meanwhile: later rows would be missing.
        target: The database to write, whose tables are created or migrated.
        report: Called with the name of a table and the number of its rows so far.

    Returns:
        The number of rows of each table.

    Raises:
        LogNotCopied: The source has tables of another release, or the target holds a log.
        RevisionUnknown: A later release migrated the target.
        sqlalchemy.exc.SQLAlchemyError: A database cannot be used.
    """
    if not is_current(source):
        raise LogNotCopied("its tables are those of another release: run `database upgrade` for it first")
    upgrade(target)
    with source.connect() as reading, for_writing(target).begin() as writing:
        for table in _TABLES[1:]:
            if writing.scalar(sa.select(sa.literal(1)).select_from(table).limit(1)):
                raise LogNotCopied("the target holds a log already: choose an empty database")
        # Lists of columns that a start has stored would have numbers of other lists.
        writing.execute(sa.delete(prediction_columns))
        return {table.name: _copy_table(table, reading, writing, report) for table in _TABLES}


def _copy_table(table: sa.Table, reading: Connection, writing: Connection, report: Callable[[str, int], object]) -> int:
    columns = [column for column in table.columns if column not in _NUMBERED_BY_TARGET]
    rows = reading.execution_options(yield_per=_ROWS_PER_INSERT).execute(
        sa.select(*columns).order_by(*table.primary_key.columns)
    )
    copied = 0
    for part in rows.mappings().partitions():
        writing.execute(sa.insert(table), [dict(row) for row in part])
        copied += len(part)
        report(table.name, copied)
    return copied
