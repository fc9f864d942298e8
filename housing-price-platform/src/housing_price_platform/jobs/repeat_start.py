"""Repeats the start of a worker while its database is locked, full or does not answer."""

import time
from collections.abc import Callable
from typing import Final

from psycopg.errors import ConnectionTimeout
from sqlalchemy.engine import Engine
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from housing_price_platform.database.errors import driver_error_of

PAUSE_SECONDS: Final = 1.0
"""Pause between two attempts."""


def repeat_start[T](start: Callable[[], T], report: Callable[[Exception], object]) -> T:
    """Call `start` until it succeeds; DBOS itself gives up at its first failure.

    Args:
        start: Starts the worker, and leaves nothing behind if it fails.
        report: Called with the first error.

    Raises:
        sqlalchemy.exc.SQLAlchemyError: An error that waiting does not end, such as a wrong password.
    """
    is_reported = False
    while True:
        try:
            return start()
        except SQLAlchemyError as error:
            if not _may_pass(error):
                raise
            if not is_reported:
                report(error)
            is_reported = True
            time.sleep(PAUSE_SECONDS)


def check_database(engine: Engine) -> None:
    """Check that the database answers and, on SQLite, that no other process keeps its lock.

    Raises:
        sqlalchemy.exc.SQLAlchemyError: It cannot be used now.
    """
    with engine.connect() as connection:
        # Takes the lock that the migrations of DBOS need.
        connection.exec_driver_sql("BEGIN IMMEDIATE" if engine.dialect.name == "sqlite" else "SELECT 1")
        connection.rollback()


def _may_pass(error: SQLAlchemyError) -> bool:
    """Return whether the database is there, but locked, full or silent."""
    if not isinstance(error, DBAPIError):
        return False
    # The same text as for DBOS: see `full_disk`.
    driver_error = driver_error_of(error)
    is_locked = "database is locked" in str(driver_error)
    return is_locked or error.connection_invalidated or isinstance(driver_error, ConnectionTimeout)
