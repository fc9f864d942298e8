"""Database errors are described without the statement and its values."""

import sqlite3

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from housing_price_platform.database.errors import MAX_CHARACTERS, describe_database_error, sqlstate_of


def test_the_drivers_message_is_shown_without_the_statement_its_values_and_the_link() -> None:
    engine = sa.create_engine("sqlite://")
    insert = "INSERT INTO house VALUES (?, ?)"
    with engine.connect() as connection:
        connection.exec_driver_sql("CREATE TABLE house (id INTEGER PRIMARY KEY, owner TEXT)")
        connection.exec_driver_sql(insert, (1, "Smith"))
        with pytest.raises(IntegrityError) as caught:
            connection.exec_driver_sql(insert, (1, "Smith"))
    engine.dispose()
    assert all(part in str(caught.value) for part in ("INSERT", "Smith", "Background"))
    assert describe_database_error(caught.value) == "IntegrityError: UNIQUE constraint failed: house.id"


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (sa.exc.TimeoutError("QueuePool limit reached", code="3o7r"), "TimeoutError: QueuePool limit reached"),
        (RuntimeError("no such revision"), "RuntimeError: no such revision"),
        (FileNotFoundError(2, "No such file"), "FileNotFoundError: [Errno 2] No such file"),
        (sqlite3.OperationalError("database is locked"), "OperationalError: database is locked"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_error_without_a_driver_is_described_by_its_own_message(error: Exception, expected: str) -> None:
    assert describe_database_error(error) == expected


def test_a_long_message_is_cut() -> None:
    assert len(describe_database_error(OSError("x" * 2 * MAX_CHARACTERS))) == MAX_CHARACTERS


def test_only_errors_of_postgres_have_a_sqlstate() -> None:
    class UniqueViolation(Exception):
        sqlstate = "23505"

    assert sqlstate_of(sa.exc.DBAPIError("INSERT", {}, UniqueViolation())) == "23505"
    assert sqlstate_of(sa.exc.OperationalError("SELECT 1", {}, sqlite3.OperationalError("database is locked"))) is None
    assert sqlstate_of(UniqueViolation()) is None
