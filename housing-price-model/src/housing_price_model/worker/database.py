"""The database of the jobs, which API and workers share: a file of SQLite, or Postgres."""

import sqlite3
from types import ModuleType
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import Engine, make_url
from sqlalchemy.exc import ArgumentError

from housing_price_model.errors import JobsError

_PATIENCE_SECONDS: Final = 30
_CONNECTIONS: Final = 5
_WRONG: Final = "the database of the jobs should be named as sqlite:///FILE or postgresql://USER:PASSWORD@HOST/DATABASE"


def open_jobs(url: str) -> Engine:
    """Make an engine for DBOS; nothing is connected to yet.

    Raises:
        JobsError: it is no URL of such a database, or its driver is missing. The text is not repeated: there may be a
            password in it.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as exc:
        raise JobsError(_WRONG) from exc
    kind = parsed.get_backend_name()
    if kind in {"postgresql", "postgres"}:
        try:
            return sa.create_engine(
                parsed.set(drivername="postgresql+psycopg"),
                connect_args={"connect_timeout": _PATIENCE_SECONDS},
                pool_pre_ping=True,
                pool_size=_CONNECTIONS,
                pool_timeout=_PATIENCE_SECONDS,
            )
        except ModuleNotFoundError as exc:
            raise JobsError("the driver of Postgres is not installed: it is the extra `postgres`") from exc
    if kind != "sqlite" or not parsed.database:
        raise JobsError(_WRONG)
    engine = sa.create_engine(
        parsed,
        module=_sqlite(),
        connect_args={"timeout": _PATIENCE_SECONDS, "check_same_thread": False},
        pool_size=_CONNECTIONS,
        pool_timeout=_PATIENCE_SECONDS,
    )
    event.listen(engine, "connect", _prepare)
    return engine


def _sqlite() -> ModuleType:
    """Give a driver whose SQLite is new enough: DBOS needs 3.42, and a system's own may be older."""
    try:
        import pysqlite3  # noqa: PLC0415 - it is there on Linux only
    except ModuleNotFoundError:
        return sqlite3
    driver: ModuleType = pysqlite3
    return driver


def _prepare(connection: Any, _entry: object) -> None:
    # As DBOS's own engine does: a transaction that will write waits for its turn at its beginning.
    connection.isolation_level = "IMMEDIATE"
    cursor = connection.cursor()
    for pragma in ("foreign_keys=ON", "journal_mode=WAL", "synchronous=FULL"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
