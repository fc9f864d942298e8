"""Writes rows of a table, many with one statement.

`executemany` would let go of the interpreter and ask for it again for each row, and under load wait for it each time.
"""

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Engine

COLUMNS_VERSION = "columns_version"
"""The column whose value is the same for all rows that a process writes, and known to the database only."""

INPUTS = "inputs"
"""The column that holds what the model was asked, as JSON."""

MAX_ROWS_PER_STATEMENT = 2_048
"""SQLite takes up to 32,766 values in a statement (sqlite.org/limits.html), Postgres 65,535."""


class RowWriter:
    """Writes into an open database, in transactions."""

    def __init__(self, engine: Engine, table: sa.Table, columns: Sequence[str], columns_version: int) -> None:
        """Write rows of the values of `columns` into `table`.

        Where it holds inputs, the database knows what their values are called as `columns_version`.
        """
        self._engine = engine
        marks = ["?" if engine.dialect.paramstyle == "qmark" else "%s"] * len(columns)
        if INPUTS in columns:
            columns, marks = [*columns, COLUMNS_VERSION], [*marks, str(columns_version)]
        self._head = f"INSERT INTO {table.name} ({','.join(columns)}) VALUES "  # noqa: S608 - our own names
        self._row = f"({','.join(marks)})"
        self._statements: dict[int, str] = {}

    def write(self, rows: Sequence[Sequence[Any]]) -> None:
        """Write all rows, or none; one that is there already, after a commit whose answer was lost, stays as it is."""
        with self._engine.begin() as connection:
            for some in _in_powers_of_two(rows):
                connection.exec_driver_sql(self._statement(len(some)), tuple(chain.from_iterable(some)))

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
