"""A table in which workers report that they run, so that monitoring notices those that stopped without a signal.

The locks of workers (`worker_lock`) are exact, but only workers of the same folder see them. The API may run on another
machine: it shares only the jobs database with them.
"""

import contextlib
import threading
import time
from collections.abc import Callable
from typing import Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from housing_price_platform.jobs.maintenance import Task

REPORT_SECONDS: Final = 10.0
"""Interval between reports of a worker."""

SILENT_SECONDS: Final = 40.0
"""Age of the last report from which a worker counts as stopped: it has missed three."""

FORGET_SECONDS: Final = 24 * 3600.0
"""Age of the last report from which a worker is forgotten: it was renamed, or removed for good."""

STOP_SECONDS: Final = 1.0
"""Time that a stopping worker waits for the database, which may not answer."""

_SCHEMA: Final = "dbos"
"""On Postgres, the schema of DBOS, which its user may write. SQLite has no schemas."""

_WORKERS: Final = sa.Table(
    "housing_price_workers",
    sa.MetaData(schema=_SCHEMA),
    sa.Column("queue", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("reported_at", sa.BigInteger, nullable=False),
)


class WorkerCounts(NamedTuple):
    """The workers of a queue: those that run, and those that stopped without a signal within the last day."""

    running: int
    stopped: int


class WorkerReport:
    """The report of one worker, in the table of all workers."""

    def __init__(self, engine: Engine, queue: str, name: str, *, clock: Callable[[], float] = time.time) -> None:
        """Report the worker `name` of a queue to the jobs database."""
        self._engine = _without_schema(engine)
        self._queue = queue
        self._name = name
        self._clock = clock
        self._has_table = False

    @property
    def task(self) -> Task:
        """The maintenance task that repeats the report."""
        return Task(self.send, interval_seconds=REPORT_SECONDS)

    def send(self) -> None:
        """Report that the worker runs, and forget workers of the queue that have been silent for a day.

        Raises:
            sqlalchemy.exc.SQLAlchemyError: The database is unavailable.
        """
        self._ensure_table()
        now = self._clock()
        columns = _WORKERS.c
        is_this = sa.and_(columns.queue == self._queue, columns.name == self._name)
        with self._engine.begin() as connection:
            reported = {"reported_at": int(now * 1000)}
            updated = connection.execute(sa.update(_WORKERS).where(is_this).values(reported))
            if not updated.rowcount:
                row = {"queue": self._queue, "name": self._name, **reported}
                connection.execute(sa.insert(_WORKERS).values(row))
            oldest = int((now - FORGET_SECONDS) * 1000)
            connection.execute(sa.delete(_WORKERS).where(columns.queue == self._queue, columns.reported_at < oldest))

    def withdraw(self) -> None:
        """Remove the report, because the worker was told to stop. Gives up after `STOP_SECONDS`."""
        thread = threading.Thread(target=self._remove, name="withdraw-report", daemon=True)
        thread.start()
        thread.join(STOP_SECONDS)

    def _remove(self) -> None:
        with contextlib.suppress(SQLAlchemyError), self._engine.begin() as connection:
            columns = _WORKERS.c
            connection.execute(sa.delete(_WORKERS).where(columns.queue == self._queue, columns.name == self._name))

    def _ensure_table(self) -> None:
        if self._has_table:
            return
        try:
            with self._engine.begin() as connection:
                _WORKERS.create(connection, checkfirst=True)
        except SQLAlchemyError:
            # Another worker may have created it at the same time.
            with self._engine.connect() as connection:
                if not _is_created(connection):
                    raise
        self._has_table = True


def count_workers(engine: Engine, *, now: float) -> dict[str, WorkerCounts]:
    """Count the workers of each queue that has reports.

    Args:
        engine: The jobs database.
        now: The current time, in seconds since the epoch.

    Raises:
        sqlalchemy.exc.SQLAlchemyError: The database is unavailable.
    """
    with _without_schema(engine).connect() as connection:
        if not _is_created(connection):
            return {}
        columns = _WORKERS.c
        since = int((now - FORGET_SECONDS) * 1000)
        rows = connection.execute(
            sa.select(columns.queue, columns.reported_at).where(columns.reported_at >= since)
        ).all()
    silent = (now - SILENT_SECONDS) * 1000
    return {
        queue: WorkerCounts(
            running=sum(reported_at >= silent for one, reported_at in rows if one == queue),
            stopped=sum(reported_at < silent for one, reported_at in rows if one == queue),
        )
        for queue in {queue for queue, _ in rows}
    }


def _without_schema(engine: Engine) -> Engine:
    return engine.execution_options(schema_translate_map={_SCHEMA: None}) if engine.dialect.name == "sqlite" else engine


def _is_created(connection: Connection) -> bool:
    schema = None if connection.dialect.name == "sqlite" else _SCHEMA
    return sa.inspect(connection).has_table(_WORKERS.name, schema=schema)
