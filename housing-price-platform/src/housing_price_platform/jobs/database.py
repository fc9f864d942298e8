"""Opens the jobs database: a SQLite file or Postgres."""

import sqlite3
from types import ModuleType
from typing import Final

from sqlalchemy import event
from sqlalchemy.engine import URL, Engine
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

from housing_price_platform.database.engine import bounded_engine
from housing_price_platform.database.limits import Limits

WORKER_ANSWER_SECONDS: Final = 10.0
"""Time in which Postgres must answer a worker; then the worker connects anew."""

WORKER_STATEMENT_SECONDS: Final = 60.0
"""Time after which Postgres cancels a statement of a worker that has lost its connection."""


def sqlite_driver() -> ModuleType:
    """Return a SQLite driver that DBOS supports: it needs SQLite 3.42, and the system's library may be older."""
    try:
        import pysqlite3  # noqa: PLC0415 - available on Linux only
    except ModuleNotFoundError:
        return sqlite3
    return pysqlite3  # type: ignore[no-any-return]  # untyped


def client_engine(url: URL, *, connections: int, spare_connections: int, wait_seconds: float) -> Engine:
    """Create an engine for `open_client`, without connecting.

    Args:
        url: the URL of a SQLite file or a Postgres database.
        connections: maximum number of connections.
        spare_connections: further connections, for threads that replace stuck ones.
        wait_seconds: timeout for connecting, for locks held by others, and for each statement.

    Raises:
        ModuleNotFoundError: the driver of the database is not installed.
    """
    limits = Limits(wait_seconds, wait_seconds, wait_seconds)
    return _engine(url, limits, connections=connections, spare_connections=spare_connections)


def worker_engine(url: URL, *, connections: int, wait_seconds: float) -> Engine:
    """Create an engine for `launch_worker`, without connecting.

    DBOS repeats a call whose connection is lost, but fails the job if the server cancels a statement. So a worker
    gives up on a silent connection before the server's own timeout, and has no timeout for locks on Postgres.

    Args:
        url: the URL of a SQLite file or a Postgres database.
        connections: maximum number of connections.
        wait_seconds: timeout for connecting, and on SQLite for locks held by others.

    Raises:
        ModuleNotFoundError: the driver of the database is not installed.
    """
    if url.get_backend_name() == "sqlite":
        limits = Limits(wait_seconds, wait_seconds, None)
    else:
        limits = Limits(wait_seconds, None, WORKER_STATEMENT_SECONDS, WORKER_ANSWER_SECONDS)
    return _engine(url, limits, connections=connections)


def _engine(url: URL, limits: Limits, *, connections: int, spare_connections: int = 0) -> Engine:
    is_sqlite = url.get_backend_name() == "sqlite"
    engine = bounded_engine(
        url,
        limits,
        connections=connections,
        spare_connections=spare_connections,
        sqlite_driver=sqlite_driver() if is_sqlite else None,
    )
    if is_sqlite:
        event.listen(engine, "connect", _prepare_sqlite)
    return engine


def _prepare_sqlite(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    # Like DBOS's own engine: a writing transaction takes the write lock at its start.
    connection.isolation_level = "IMMEDIATE"
    cursor = connection.cursor()
    cursor.execute("PRAGMA foreign_keys=ON")
    # WAL: readers and the writer do not block each other.
    cursor.execute("PRAGMA journal_mode=WAL")
    # FULL: a checkpointed step must survive a power failure.
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.close()
