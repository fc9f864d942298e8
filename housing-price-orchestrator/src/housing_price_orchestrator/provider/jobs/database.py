"""The database that the queue of the jobs lives in: a file of SQLite, or Postgres."""

import math
import sqlite3
from types import ModuleType

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import URL, Engine
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry


def sqlite_driver() -> ModuleType:
    """Give the driver whose SQLite is new enough: DBOS needs 3.42, and a system's own may be older."""
    try:
        import pysqlite3  # noqa: PLC0415 - it is there on Linux only
    except ModuleNotFoundError:
        return sqlite3
    return pysqlite3  # type: ignore[no-any-return]  # it has no types


def job_engine(url: URL, *, connections: int, wait_seconds: float) -> Engine:
    """Make an engine for DBOS; nothing is connected to yet.

    Args:
        url: a file of SQLite, or a database of Postgres.
        connections: how many connections there are at the most.
        wait_seconds: how long a connection, or a lock of somebody else, is waited for.
    """
    pool = {"pool_size": connections, "max_overflow": 0, "pool_timeout": wait_seconds}
    if url.get_backend_name() != "sqlite":
        options = {"connect_timeout": math.ceil(wait_seconds)}
        return sa.create_engine(url, connect_args=options, pool_pre_ping=True, **pool)
    engine = sa.create_engine(
        url, module=sqlite_driver(), connect_args={"timeout": wait_seconds, "check_same_thread": False}, **pool
    )
    event.listen(engine, "connect", _prepare_sqlite)
    return engine


def _prepare_sqlite(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    # As DBOS's own engine does: a transaction that will write waits for its turn at its beginning.
    connection.isolation_level = "IMMEDIATE"
    cursor = connection.cursor()
    cursor.execute("PRAGMA foreign_keys=ON")
    # Readers and the writer do not wait for each other.
    cursor.execute("PRAGMA journal_mode=WAL")
    # A step that is said to be done is done, also after a power cut.
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.close()
