"""Makes DBOS repeat calls that failed because the disk is full: jobs must survive a temporary condition."""

from typing import Final

from sqlalchemy import event
from sqlalchemy.engine import Engine, ExceptionContext
from sqlalchemy.exc import OperationalError

_SQLITE_IO_ERROR: Final = 10
_SQLITE_FULL: Final = 13
_PRIMARY_CODE: Final = 0xFF


def repeat_on_full_disk(engine: Engine) -> None:
    """Treat a full disk under a SQLite database like a lock, for which DBOS repeats a call until it succeeds.

    Without this, a checkpoint that cannot be written fails its job for good. (Full disks are also reported as I/O
    errors, when the file of the shared memory cannot grow.)
    """
    if engine.dialect.name == "sqlite":
        event.listen(engine, "handle_error", _as_lock)


def _as_lock(context: ExceptionContext) -> OperationalError | None:
    error = context.original_exception
    if getattr(error, "sqlite_errorcode", 0) & _PRIMARY_CODE not in {_SQLITE_FULL, _SQLITE_IO_ERROR}:
        return None
    # DBOS recognises a lock by this text.
    return OperationalError(None, None, Exception(f"database is locked: no, but it cannot be written ({error})"))
