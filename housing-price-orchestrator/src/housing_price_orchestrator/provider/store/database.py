"""Opens the database of the prediction log and migrates its tables."""

import json
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Final

import sqlalchemy as sa
from alembic import command
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import event
from sqlalchemy.engine import URL, Connection, Engine
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

from housing_price_orchestrator.provider.store.migrations.revisions import (
    Downgrade,
    check_revision,
    migration_config,
    plan_downgrade,
)
from housing_price_orchestrator.provider.store.tables import prediction_columns
from housing_price_platform.database.deadline import deadline
from housing_price_platform.database.engine import bounded_engine
from housing_price_platform.database.limits import Limits

_WAL_PAGES: Final = 10_000
"""SQLite: WAL pages (4 kB) between checkpoints.

A checkpoint copies each changed page to the database file once, however often the page changed.
"""

WRITER_CACHE_KIB: Final = 16 * 1024
"""SQLite: page cache of the writer process, which must hold the indexes of one segment (`SEGMENT_ROWS`).

With SQLite's default of 2 MB, one transaction reads some index pages again and writes some twice.
"""

CHECK_SECONDS: Final = 10.0
"""Time to find out whether the tables must be migrated; a silent database is noticed within this time."""

_MIGRATION_LOCK: Final = 0x486F757365
"""Postgres: id of the advisory lock that serialises migrations ("House")."""


def open_database(
    url: URL,
    *,
    wait_seconds: float,
    statement_seconds: float = 30.0,
    answer_seconds: float | None = None,
    connections: int = 1,
    spare_connections: int = 0,
    cache_kib: int | None = None,
) -> Engine:
    """Create an engine, without connecting.

    Args:
        url: the URL of a SQLite file or a Postgres database.
        wait_seconds: timeout for getting a connection and for locks held by others.
        statement_seconds: timeout of one statement; on SQLite, of one transaction.
        answer_seconds: Postgres: time without an answer after which a connection is closed; see `Limits`.
        connections: number of connections.
        spare_connections: further connections, for threads that replace stuck ones.
        cache_kib: SQLite page cache of each connection; None for SQLite's default.
    """
    limits = Limits(wait_seconds, wait_seconds, statement_seconds, answer_seconds)
    engine = bounded_engine(url, limits, connections=connections, spare_connections=spare_connections)
    if url.get_backend_name() == "sqlite":
        event.listen(engine, "connect", partial(_prepare_sqlite, cache_kib))
        event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(cache_kib: int | None, connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    # `_begin_sqlite` starts transactions; the driver's own handling would leave DDL statements outside of them.
    connection.isolation_level = None
    cursor = connection.cursor()
    # WAL: readers and the writer do not block each other. NORMAL: commits survive a crash of the process; a power
    # failure can lose the last ones but corrupts nothing (sqlite.org/wal.html).
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.execute(f"PRAGMA wal_autocheckpoint={_WAL_PAGES}")
    if cache_kib is not None:
        cursor.execute(f"PRAGMA cache_size={-cache_kib}")
    cursor.close()
    connection.create_function("ln", 1, math.log, deterministic=True)


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def for_writing(engine: Engine) -> Engine:
    """Return the engine for transactions that write: SQLite then takes the write lock when they begin."""
    return engine.execution_options(writes=True)


def upgrade(engine: Engine, revision: str = "head", *, token_caller_prefix: str | None = None) -> None:
    """Migrate the tables to `revision`; concurrent processes wait for each other.

    Callers with tokens that were logged without their issuer get `token_caller_prefix`.

    Raises:
        RevisionUnknown: a later release migrated the tables.
    """
    with _migrating(engine) as connection:
        check_revision(connection)
        config = migration_config()
        config.attributes.update(connection=connection, token_caller_prefix=token_caller_prefix)
        command.upgrade(config, revision)


def downgrade(engine: Engine, revision: str | None = None, *, is_dry_run: bool = False) -> Sequence[Downgrade]:
    """Migrate the tables back to `revision`, or by one revision; returns the steps, which `is_dry_run` only plans.

    Raises:
        RevisionUnknown: a later release migrated the tables.
        RevisionUnreachable: `revision` is not an earlier revision.
    """
    with _migrating(engine) as connection:
        steps = plan_downgrade(connection, revision)
        if steps and not is_dry_run:
            config = migration_config()
            config.attributes["connection"] = connection
            command.downgrade(config, steps[-1].down_revision)
        return steps


@contextmanager
def _migrating(engine: Engine) -> Iterator[Connection]:
    with for_writing(engine).begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_MIGRATION_LOCK)))
        yield connection


def is_current(engine: Engine) -> bool:
    """Return whether the tables are those of the latest migration; takes no lock and little time."""
    with deadline(CHECK_SECONDS), engine.begin() as connection:
        current = MigrationContext.configure(connection).get_current_revision()
    return current == ScriptDirectory.from_config(migration_config()).get_current_head()


def ensure_columns_version(engine: Engine, columns: Sequence[str]) -> int:
    """Return the version number of this list of columns, in this order; a new list is stored with the next number."""
    names = json.dumps(list(columns))
    table = prediction_columns
    known = sa.select(table.c.version).where(table.c.names == names)
    with deadline(CHECK_SECONDS), engine.begin() as connection:
        version = connection.scalar(known)
    if version is not None:
        return int(version)
    with _migrating(engine) as connection:
        version = connection.scalar(known)
        if version is None:
            version = connection.scalar(sa.select(sa.func.coalesce(sa.func.max(table.c.version), 0) + 1))
            connection.execute(sa.insert(table).values(version=version, names=names))
    return int(version or 1)


def test_write(engine: Engine) -> None:
    """Commit a write that changes nothing, to find out whether the database can be written."""
    table = prediction_columns
    with for_writing(engine).begin() as connection:
        connection.execute(sa.update(table).values(names=table.c.names))


def prepare_database(
    url: URL,
    columns: Sequence[str],
    *,
    wait_seconds: float,
    statement_seconds: float = 60.0,
    token_caller_prefix: str | None = None,
) -> int:
    """Migrate the database and return the version number of `columns`.

    Raises:
        SQLAlchemyError: the database cannot be reached, or is locked for longer than `wait_seconds`.
        RevisionUnknown: a later release migrated the tables.
    """
    engine = open_database(url, wait_seconds=wait_seconds, statement_seconds=statement_seconds)
    try:
        if not is_current(engine):
            upgrade(engine, token_caller_prefix=token_caller_prefix)
        return ensure_columns_version(engine, columns)
    finally:
        engine.dispose()
