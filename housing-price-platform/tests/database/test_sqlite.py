"""Locked and slow SQLite databases: every call ends in time, and readers do not wait for writers."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from housing_price_platform.database.deadline import DeadlinePassed, deadline
from housing_price_platform.database.engine import bounded_engine
from housing_price_platform.database.limits import Limits

ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "data%20?.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE t (x)")
        connection.commit()
    return path


def open_engine(
    file: Path, *, lock_seconds: float = 30, statement_seconds: float | None = None, is_read_only: bool = False
) -> sa.Engine:
    limits = Limits(30, lock_seconds, statement_seconds)
    url = sa.URL.create("sqlite", database=str(file))
    return bounded_engine(url, limits, connections=1, is_read_only=is_read_only)


@pytest.fixture
def locked(file: Path) -> Iterator[sqlite3.Connection]:
    """An exclusive lock on the file, held by another connection."""
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield other


@pytest.mark.parametrize("is_read_only", [True, False])
@pytest.mark.usefixtures("locked")
def test_a_locked_file_is_given_up_after_its_limit(file: Path, is_read_only: bool) -> None:
    engine = open_engine(file, lock_seconds=0.1, is_read_only=is_read_only)
    with pytest.raises(OperationalError, match="database is locked"), engine.begin() as connection:
        connection.exec_driver_sql("SELECT * FROM t")
    engine.dispose()


@pytest.mark.usefixtures("locked")
def test_the_deadline_of_the_thread_shortens_the_wait_for_a_lock(file: Path) -> None:
    engine = open_engine(file)
    with (
        deadline(0.1),
        pytest.raises(OperationalError, match="database is locked"),
        engine.begin() as connection,
    ):
        connection.exec_driver_sql("SELECT * FROM t")
    engine.dispose()


def test_the_limit_of_the_engine_holds_again_after_a_deadline(file: Path, locked: sqlite3.Connection) -> None:
    engine = open_engine(file)
    with deadline(0.1), pytest.raises(OperationalError), engine.begin() as connection:
        connection.exec_driver_sql("SELECT * FROM t")
    locked.execute("ROLLBACK")
    with engine.begin() as connection:
        assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() == 30_000
    engine.dispose()


def test_nothing_is_called_after_the_deadline(file: Path) -> None:
    engine = open_engine(file)
    with deadline(0), pytest.raises(DeadlinePassed), engine.begin():
        pass
    engine.dispose()


@pytest.mark.parametrize("limit", ["statement", "deadline"])
def test_a_long_statement_is_interrupted(file: Path, limit: str) -> None:
    engine = open_engine(file, statement_seconds=0.1 if limit == "statement" else None)
    with (
        deadline(0.1 if limit == "deadline" else 30),
        pytest.raises(OperationalError, match="interrupted"),
        engine.begin() as connection,
    ):
        connection.exec_driver_sql(ENDLESS)
    engine.dispose()


def test_a_read_only_engine_cannot_write(file: Path) -> None:
    engine = open_engine(file, is_read_only=True)
    with pytest.raises(OperationalError, match="readonly"), engine.begin() as connection:
        connection.exec_driver_sql("INSERT INTO t VALUES (1)")
    engine.dispose()
