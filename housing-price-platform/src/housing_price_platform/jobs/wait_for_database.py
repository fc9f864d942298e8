"""Waits at the start of a worker while its database is locked or does not answer."""

import time
from collections.abc import Callable
from typing import Final

from psycopg.errors import ConnectionTimeout
from sqlalchemy.engine import Engine
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

PAUSE_SECONDS: Final = 1.0
"""Pause between two attempts."""

_SQLITE_BUSY: Final = 5
_PRIMARY_CODE: Final = 0xFF


def wait_for_database(engine: Engine, report: Callable[[Exception], object]) -> None:
    """Wait until the database can be used; DBOS itself gives up at its first failure.

    Args:
        engine: The jobs database.
        report: Called with the first error.

    Raises:
        sqlalchemy.exc.SQLAlchemyError: An error that waiting does not end, such as a wrong password.
    """
    is_reported = False
    while True:
        try:
            _try_to_use(engine)
        except SQLAlchemyError as error:
            if not _may_pass(error):
                raise
            if not is_reported:
                report(error)
            is_reported = True
            time.sleep(PAUSE_SECONDS)
        else:
            return


def _try_to_use(engine: Engine) -> None:
    with engine.connect() as connection:
        # Takes the lock that the migrations of DBOS need.
        connection.exec_driver_sql("BEGIN IMMEDIATE" if engine.dialect.name == "sqlite" else "SELECT 1")
        connection.rollback()


def _may_pass(error: SQLAlchemyError) -> bool:
    """Return whether the database is there, but locked or silent."""
    if not isinstance(error, DBAPIError):
        return False
    is_locked = getattr(error.orig, "sqlite_errorcode", 0) & _PRIMARY_CODE == _SQLITE_BUSY
    return is_locked or error.connection_invalidated or isinstance(error.orig, ConnectionTimeout)
