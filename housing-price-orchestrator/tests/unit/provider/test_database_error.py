import sqlite3

import pytest
import sqlalchemy as sa
from alembic.util.exc import CommandError
from sqlalchemy.exc import IntegrityError

from housing_price_orchestrator.provider.database_error import MAX_CHARACTERS, describe_database_error


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
        (CommandError("no such revision"), "CommandError: no such revision"),
        (FileNotFoundError(2, "No such file"), "FileNotFoundError: [Errno 2] No such file"),
        (sqlite3.OperationalError("database is locked"), "OperationalError: database is locked"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_error_without_a_driver_is_described_by_its_own_message(error: Exception, expected: str) -> None:
    assert describe_database_error(error) == expected


def test_a_long_message_is_cut() -> None:
    assert len(describe_database_error(OSError("x" * 2 * MAX_CHARACTERS))) == MAX_CHARACTERS
