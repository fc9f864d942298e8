"""A client of the jobs database that submits and reads jobs, and runs none."""

from typing import Final

from dbos import DBOSClient, DBOSPortableJSONSerializer
from dbos import error as dbos_error
from sqlalchemy import event
from sqlalchemy.engine import Engine, ExceptionContext
from sqlalchemy.exc import SQLAlchemyError

from housing_price_platform.jobs.refuse_pickle import refuse_pickle

_SQLITE_BUSY: Final = 5
_SQLITE_LOCKED: Final = 6
_PRIMARY_CODE: Final = 0xFF


class JobsDatabaseLocked(SQLAlchemyError):
    """Another process holds a lock on the jobs database for longer than the client waits."""


def open_client(engine: Engine, *, query_seconds: float) -> DBOSClient:
    """Open a client that reads and writes JSON only; it creates the tables that are missing.

    The caller closes it with `destroy()` and the engine with `dispose()`.

    Args:
        engine: The jobs database (`client_engine`).
        query_seconds: Timeout of a query on Postgres.

    Raises:
        sqlalchemy.exc.SQLAlchemyError: The database is unavailable. The next attempt needs a new client.
    """
    refuse_pickle()
    if engine.dialect.name == "sqlite":
        event.listen(engine, "handle_error", _give_up_on_lock)
    client = DBOSClient(
        system_database_engine=engine,
        serializer=DBOSPortableJSONSerializer(),
        lazy=True,
        retry_connection_errors=False,
        observability_query_timeout_sec=query_seconds,
    )
    # The first job may be submitted before the first worker starts. DBOSClient has no public API for migrations.
    database = client._sys_db  # noqa: SLF001
    try:
        # Reads only: a reader must not wait for the lock of a writer.
        database.verify_migrations()
    except dbos_error.DBOSInitializationError:
        database.run_migrations()
    return client


def read_events(client: DBOSClient, job_id: str) -> dict[str, object]:
    """Return the events of a job by name, in one query; DBOSClient has no public API for it."""
    return client._sys_db.get_all_events(job_id)  # noqa: SLF001


def _give_up_on_lock(context: ExceptionContext) -> SQLAlchemyError | None:
    """Replace "database is locked", for which DBOS would repeat the call for ever, whatever its settings."""
    code = getattr(context.original_exception, "sqlite_errorcode", 0) & _PRIMARY_CODE
    if code in {_SQLITE_BUSY, _SQLITE_LOCKED}:
        return JobsDatabaseLocked("the database file is held by another process")
    return None
