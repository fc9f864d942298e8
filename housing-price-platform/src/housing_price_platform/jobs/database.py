"""Opens the jobs database: a SQLite file or Postgres."""

import math
import sqlite3
from types import ModuleType

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import URL, Engine
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry


def sqlite_driver() -> ModuleType:
    """Return a SQLite driver that DBOS supports: it needs SQLite 3.42, and the system's library may be older."""
    try:
        import pysqlite3  # noqa: PLC0415 - available on Linux only
    except ModuleNotFoundError:
        return sqlite3
    return pysqlite3  # type: ignore[no-any-return]  # untyped


def job_engine(url: URL, *, connections: int, wait_seconds: float) -> Engine:
    """Create an engine for DBOS, without connecting.

    Args:
        url: the URL of a SQLite file or a Postgres database.
        connections: maximum number of connections.
        wait_seconds: timeout for getting a connection and for locks held by others.

    Raises:
        ModuleNotFoundError: the driver of the database is not installed.
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
    # Like DBOS's own engine: a writing transaction takes the write lock at its start.
    connection.isolation_level = "IMMEDIATE"
    cursor = connection.cursor()
    cursor.execute("PRAGMA foreign_keys=ON")
    # WAL: readers and the writer do not block each other.
    cursor.execute("PRAGMA journal_mode=WAL")
    # FULL: a checkpointed step must survive a power failure.
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.close()
