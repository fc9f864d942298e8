"""Opens the database and brings its tables up to date."""

import json
import math
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from sqlalchemy import event
from sqlalchemy.engine import URL, Connection, Engine
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

from housing_price_orchestrator.provider.store.tables import prediction_columns

MIGRATIONS = Path(__file__).parent / "migrations"

_WAL_PAGES = 10_000
"""So many pages of 4 kB are written before they are moved into the file: a page that changes often is moved once."""

WRITERS_CACHE_KIB = 16 * 1024
"""So much of SQLite's file whoever writes all the time keeps at hand: above all the indexes of one segment
(`SEGMENT_ROWS`). With SQLite's own 2 MB, a transaction reads some of their pages again and writes some twice."""

_STEPS_BETWEEN_LOOKS = 100_000
"""Steps of SQLite's machine: about 1 ms."""

_MIGRATION_LOCK = 0x486F757365
"""Postgres: the number of the advisory lock that whoever migrates holds ("House")."""


def open_database(
    url: URL,
    *,
    wait_seconds: float,
    statement_seconds: float = 30.0,
    connections: int = 1,
    cache_kib: int | None = None,
) -> Engine:
    """Make an engine; nothing is connected to yet.

    Args:
        url: a file of SQLite, or a database of Postgres.
        wait_seconds: how long a connection, or a lock of somebody else, is waited for.
        statement_seconds: how long a statement may take.
        connections: how many connections there are at the most.
        cache_kib: how much of SQLite's file each of them keeps in memory; None leaves it to SQLite.
    """
    pool = {"pool_size": connections, "max_overflow": 0, "pool_timeout": wait_seconds}
    if url.get_backend_name() == "sqlite":
        engine = sa.create_engine(url, connect_args={"timeout": wait_seconds, "check_same_thread": False}, **pool)
        event.listen(engine, "connect", partial(_prepare_sqlite, cache_kib))
        event.listen(engine, "begin", _begin_sqlite)
        return engine.execution_options(statement_seconds=statement_seconds)
    options = {
        "statement_timeout": math.ceil(statement_seconds * 1000),
        "lock_timeout": math.ceil(wait_seconds * 1000),
        "timezone": "UTC",
    }
    arguments = {
        "connect_timeout": math.ceil(wait_seconds),
        "options": " ".join(f"-c {name}={value}" for name, value in options.items()),
    }
    return sa.create_engine(url, connect_args=arguments, pool_pre_ping=True, **pool)


def _prepare_sqlite(cache_kib: int | None, connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    # SQLAlchemy says when a transaction begins; left to itself, the driver keeps statements on tables out of it.
    connection.isolation_level = None
    cursor = connection.cursor()
    # Readers and the writer do not wait for each other; a commit is safe from a crash of the process, and a power cut
    # may take the last ones but harms nothing (sqlite.org/wal.html).
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.execute(f"PRAGMA wal_autocheckpoint={_WAL_PAGES}")
    if cache_kib is not None:
        cursor.execute(f"PRAGMA cache_size={-cache_kib}")
    cursor.close()
    connection.create_function("ln", 1, math.log, deterministic=True)


def _begin_sqlite(connection: Connection) -> None:
    options = connection.get_execution_options()
    # Neither SQLite nor its driver has a limit of time, but it asks every so many steps whether to go on.
    until = time.monotonic() + options["statement_seconds"]
    raw = connection.connection.driver_connection
    raw.set_progress_handler(lambda: time.monotonic() > until, _STEPS_BETWEEN_LOOKS)  # type: ignore[union-attr]
    connection.exec_driver_sql("BEGIN IMMEDIATE" if options.get("writes") else "BEGIN")


def writing(engine: Engine) -> Engine:
    """Give the engine whose transactions are going to write: SQLite then waits for its turn at their beginning."""
    return engine.execution_options(writes=True)


def upgrade(engine: Engine, revision: str = "head") -> None:
    """Bring the tables up to date; several processes that do so at the same time wait for each other."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    with writing(engine).begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_MIGRATION_LOCK)))
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


def version_of(engine: Engine, columns: Sequence[str]) -> int:
    """Give the number under which the database knows these columns, in this order; new ones get the next."""
    names = json.dumps(list(columns))
    table = prediction_columns
    with writing(engine).begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_MIGRATION_LOCK)))
        version = connection.scalar(sa.select(table.c.version).where(table.c.names == names))
        if version is None:
            version = connection.scalar(sa.select(sa.func.coalesce(sa.func.max(table.c.version), 0) + 1))
            connection.execute(sa.insert(table).values(version=version, names=names))
    return int(version or 1)


def prepare(url: URL, columns: Sequence[str], *, wait_seconds: float, statement_seconds: float = 60.0) -> int:
    """Bring a database up to date, and give the number under which it knows `columns`.

    Raises:
        SQLAlchemyError: it cannot be reached, or somebody else holds it for longer than `wait_seconds`.
        CommandError: a later version of this service made its tables.
    """
    engine = open_database(url, wait_seconds=wait_seconds, statement_seconds=statement_seconds)
    try:
        upgrade(engine)
        return version_of(engine, columns)
    finally:
        engine.dispose()
