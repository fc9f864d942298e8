"""Inserts rows in bulk, many per statement.

`executemany` releases and reacquires the interpreter lock for each row, and waits for it under load.
"""

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

COLUMNS_VERSION: Final = "columns_version"
"""This column has the same value in all rows of a process; only the database knows it."""

INPUTS: Final = "inputs"
"""The column of the model's inputs, as JSON."""

SEGMENT: Final = "segment"
"""First column of the indexes on values in random order (house id, request id)."""

SEGMENT_ROWS: Final = 65_536
"""SQLite: rows per segment of the log. On Postgres, the whole log is one segment.

With an index over the whole log, nearly every row changes a different index page, and SQLite writes 4 kB for it. The
index pages of one segment are a few hundred, which the rows of a transaction share. At two million rows, 5,000 per
transaction, a row costs 4 us instead of 12, and 6 instead of 57 if callers send their own request ids (SQLite alone,
one core of a server of 2026); the cost does not grow further. In return, a search by request or house costs one
lookup, about 1 us, per segment.
"""

MAX_ROWS_PER_STATEMENT: Final = 2_048
"""SQLite accepts up to 32,766 values per statement (sqlite.org/limits.html), Postgres 65,535."""


class RowWriter:
    """Inserts rows into one table, in transactions."""

    def __init__(self, engine: Engine, table: sa.Table, columns: Sequence[str], columns_version: int) -> None:
        """Insert values of `columns` into `table`.

        If the table has inputs, `columns_version` identifies their column names in the database.
        """
        self._engine = engine
        self._table = table.name
        self._has_segments = SEGMENT in table.columns and engine.dialect.name == "sqlite"
        placeholders = ["?" if engine.dialect.paramstyle == "qmark" else "%s"] * len(columns)
        if INPUTS in columns:
            columns, placeholders = [*columns, COLUMNS_VERSION], [*placeholders, str(columns_version)]
        if self._has_segments:
            # ?1 refers to the first value of the statement, in every row (sqlite.org/lang_expr.html, "Parameters").
            columns, placeholders = [SEGMENT, *columns], ["?1", *placeholders]
        self._insert_into = f"INSERT INTO {table.name} ({','.join(columns)}) VALUES "  # noqa: S608 - our own names
        self._row_placeholders = f"({','.join(placeholders)})"
        self._statements: dict[int, str] = {}

    def write(self, rows: Sequence[Sequence[Any]]) -> None:
        """Insert all rows or none; rows that already exist stay as they are, so that a lost commit can be repeated."""
        with self._engine.begin() as connection:
            shared_values = [self._segment(connection)] if self._has_segments else []
            for chunk in _in_powers_of_two(rows):
                values = tuple(chain(shared_values, chain.from_iterable(chunk)))
                connection.exec_driver_sql(self._statement(len(chunk)), values)

    def _segment(self, connection: Connection) -> int:
        """Return the segment of the next row; the transaction excludes other writers."""
        last = connection.exec_driver_sql(f"SELECT MAX(rowid) FROM {self._table}").scalar()  # noqa: S608 - our own name
        return (last or 0) // SEGMENT_ROWS

    def _statement(self, rows: int) -> str:
        # Reuse the text, so that the driver can reuse the prepared statement.
        if rows not in self._statements:
            self._statements[rows] = (
                f"{self._insert_into}{','.join([self._row_placeholders] * rows)} ON CONFLICT DO NOTHING"
            )
        return self._statements[rows]


def _in_powers_of_two(rows: Sequence[Sequence[Any]]) -> Iterator[Sequence[Sequence[Any]]]:
    """Split rows into chunks whose lengths are powers of two, so that few different statements are needed."""
    start, size = 0, MAX_ROWS_PER_STATEMENT
    while start < len(rows):
        if len(rows) - start >= size:
            yield rows[start : start + size]
            start += size
        else:
            size //= 2
