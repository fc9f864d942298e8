"""The jobs database that API and workers share: an SQLite file or Postgres."""

import sqlite3
from types import ModuleType
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import Engine, make_url
from sqlalchemy.exc import ArgumentError

from housing_price_model.errors import JobsError

_TIMEOUT_SECONDS: Final = 30
_CONNECTIONS: Final = 5
_INVALID_URL: Final = "invalid URL of the jobs database: use sqlite:///FILE or postgresql://USER:PASSWORD@HOST/DATABASE"


def open_jobs(url: str) -> Engine:
    """Create an engine for DBOS; it does not connect yet.

    Raises:
        JobsError: the URL is invalid, or the database's driver is missing. The message omits the URL because it may
            contain a password.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as error:
        raise JobsError(_INVALID_URL) from error
    kind = parsed.get_backend_name()
    if kind in {"postgresql", "postgres"}:
        try:
            return sa.create_engine(
                parsed.set(drivername="postgresql+psycopg"),
                connect_args={"connect_timeout": _TIMEOUT_SECONDS},
                pool_pre_ping=True,
                pool_size=_CONNECTIONS,
                pool_timeout=_TIMEOUT_SECONDS,
            )
        except ModuleNotFoundError as error:
            raise JobsError("the Postgres driver is not installed: install the extra `postgres`") from error
    if kind != "sqlite" or not parsed.database:
        raise JobsError(_INVALID_URL)
    engine = sa.create_engine(
        parsed,
        module=_sqlite(),
        connect_args={"timeout": _TIMEOUT_SECONDS, "check_same_thread": False},
        pool_size=_CONNECTIONS,
        pool_timeout=_TIMEOUT_SECONDS,
    )
    event.listen(engine, "connect", _prepare)
    return engine


def _sqlite() -> ModuleType:
    """Return a driver with SQLite 3.42 or newer, which DBOS needs; the system's own may be older."""
    try:
        import pysqlite3  # noqa: PLC0415 - available on Linux only
    except ModuleNotFoundError:
        return sqlite3
    driver: ModuleType = pysqlite3
    return driver


def _prepare(connection: Any, _entry: object) -> None:
    # As in DBOS's own engine: a writing transaction takes its lock when it begins.
    connection.isolation_level = "IMMEDIATE"
    cursor = connection.cursor()
    for pragma in ("foreign_keys=ON", "journal_mode=WAL", "synchronous=FULL"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
