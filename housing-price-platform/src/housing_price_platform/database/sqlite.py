"""SQLite: a bounded wait for locks, and an end for long transactions."""

import math
import sqlite3
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import URL, Connection, Dialect, Engine
from sqlalchemy.pool import ConnectionPoolEntry

from housing_price_platform.database.deadline import DeadlinePassed, has_deadline, seconds_left
from housing_price_platform.database.limits import Limits

_STEPS_BETWEEN_TIME_CHECKS: Final = 100_000
"""Virtual machine steps between checks of the time limit, about 1 ms."""


def create_engine(
    url: URL, limits: Limits, pool: Mapping[str, Any], *, driver: ModuleType | None, is_read_only: bool
) -> Engine:
    """Create an engine for a SQLite file; see `bounded_engine`."""
    lock_seconds = limits.connect_seconds if limits.lock_seconds is None else limits.lock_seconds
    if is_read_only:
        engine = sa.create_engine(
            "sqlite://", creator=partial(_connect_read_only, url, lock_seconds), poolclass=sa.QueuePool, **pool
        )
    else:
        engine = sa.create_engine(url, module=driver or sqlite3, connect_args={"check_same_thread": False}, **pool)
        event.listen(engine, "do_connect", partial(_limit_connect, lock_seconds))
    event.listen(engine, "begin", partial(_limit_transaction, lock_seconds, limits.statement_seconds))
    return engine


def _connect_read_only(url: URL, lock_seconds: float) -> sqlite3.Connection:
    file = Path(url.database or "").absolute().as_uri()
    return sqlite3.connect(f"{file}?mode=ro", uri=True, timeout=seconds_left(lock_seconds), check_same_thread=False)


def _limit_connect(
    lock_seconds: float, _dialect: Dialect, _entry: ConnectionPoolEntry, _positional: Any, arguments: dict[str, Any]
) -> None:
    # Preparing a connection may wait for locks too.
    arguments["timeout"] = seconds_left(lock_seconds)


def _limit_transaction(lock_seconds: float, seconds: float | None, connection: Connection) -> None:
    """Set the limits of a transaction, before its first statement."""
    left = seconds_left(math.inf if seconds is None else seconds)
    if left <= 0:
        raise DeadlinePassed("the deadline passed before the database was called")
    raw: Any = connection.connection.driver_connection
    raw.execute(f"PRAGMA busy_timeout={math.ceil(seconds_left(lock_seconds) * 1000)}")
    if seconds is None and not has_deadline():
        raw.set_progress_handler(None, 0)
        return
    # SQLite and its driver have no statement timeout, but a progress handler can interrupt a statement.
    until = time.monotonic() + left
    raw.set_progress_handler(lambda: time.monotonic() > until, _STEPS_BETWEEN_TIME_CHECKS)
