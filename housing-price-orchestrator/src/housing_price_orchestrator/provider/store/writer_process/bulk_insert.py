"""Writes rows of a table, many with one statement.

`executemany` would let go of the interpreter and ask for it again for each row, and under load wait for it each time.
"""

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

COLUMNS_VERSION = "columns_version"
"""The column whose value is the same for all rows that a process writes, and known to the database only."""

INPUTS = "inputs"
"""The column that holds what the model was asked, as JSON."""

SEGMENT = "segment"
"""The column that indexes begin with whose values come in no order (a house, a caller's request)."""

SEGMENT_ROWS = 65_536
"""SQLite: so many rows are one segment of the log (Postgres: all are).

Of an index over the whole log, each row would change another page, and SQLite would write a page of 4 kB for nearly
each row. A segment's are a few hundred pages, which the rows of a transaction share. At two million rows, 5,000 in a
transaction, a row takes 4 us instead of 12, and 6 instead of 57 where callers send request ids of their own (SQLite
alone, on one core of a server of 2026), and no more after that. Whoever looks for a request or a house pays for it with
one look, about a microsecond, for each segment.
"""

MAX_ROWS_PER_STATEMENT = 2_048
"""SQLite takes up to 32,766 values in a statement (sqlite.org/limits.html), Postgres 65,535."""


class RowWriter:
    """Writes into an open database, in transactions."""

    def __init__(self, engine: Engine, table: sa.Table, columns: Sequence[str], columns_version: int) -> None:
        """Write rows of the values of `columns` into `table`.

        Where it holds inputs, the database knows what their values are called as `columns_version`.
        """
        self._engine = engine
        self._table = table.name
        self._has_segments = SEGMENT in table.columns and engine.dialect.name == "sqlite"
        marks = ["?" if engine.dialect.paramstyle == "qmark" else "%s"] * len(columns)
        if INPUTS in columns:
            columns, marks = [*columns, COLUMNS_VERSION], [*marks, str(columns_version)]
        if self._has_segments:
            # The first of the statement's values, in each row (sqlite.org/lang_expr.html, "Parameters").
            columns, marks = [SEGMENT, *columns], ["?1", *marks]
        self._head = f"INSERT INTO {table.name} ({','.join(columns)}) VALUES "  # noqa: S608 - our own names
        self._row = f"({','.join(marks)})"
        self._statements: dict[int, str] = {}

    def write(self, rows: Sequence[Sequence[Any]]) -> None:
        """Write all rows, or none; one that is there already, after a commit whose answer was lost, stays as it is."""
        with self._engine.begin() as connection:
            same_for_all = [self._segment(connection)] if self._has_segments else []
            for some in _in_powers_of_two(rows):
                values = tuple(chain(same_for_all, chain.from_iterable(some)))
                connection.exec_driver_sql(self._statement(len(some)), values)

    def _segment(self, connection: Connection) -> int:
        """Tell where the next row belongs; nobody else writes meanwhile."""
        last = connection.exec_driver_sql(f"SELECT MAX(rowid) FROM {self._table}").scalar()  # noqa: S608 - our own name
        return (last or 0) // SEGMENT_ROWS

    def _statement(self, rows: int) -> str:
        # The same text each time, so that the driver has it prepared.
        if rows not in self._statements:
            self._statements[rows] = f"{self._head}{','.join([self._row] * rows)} ON CONFLICT DO NOTHING"
        return self._statements[rows]


def _in_powers_of_two(rows: Sequence[Sequence[Any]]) -> Iterator[Sequence[Sequence[Any]]]:
    """Cut rows into few pieces of few lengths."""
    start, size = 0, MAX_ROWS_PER_STATEMENT
    while start < len(rows):
        if len(rows) - start >= size:
            yield rows[start : start + size]
            start += size
        else:
            size //= 2
