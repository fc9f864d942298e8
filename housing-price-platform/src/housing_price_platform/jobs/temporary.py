"""Temporary conditions: a full disk, a locked or unreachable database, a service that is away.

A job waits for their end instead of failing: the steps of workers in `retry_while_temporary`, and what DBOS itself
stores in DBOS (`full_disk.py`).
"""

import errno
import time
from collections.abc import Callable, Iterator
from typing import Final

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from housing_price_platform.database.errors import driver_error_of, sqlstate_of
from housing_price_platform.files.temporary_errors import TEMPORARY

FIRST_PAUSE_SECONDS: Final = 0.5
MAX_PAUSE_SECONDS: Final = 10.0
POLL_SECONDS: Final = 1.0
"""Interval between checks for a cancellation during a pause."""

_ERRNOS: Final = TEMPORARY | {
    errno.EIO,
    errno.ENETDOWN,
    errno.ENETUNREACH,
    errno.EHOSTDOWN,
    errno.EHOSTUNREACH,
}
_SQLITE_MESSAGES: Final = (
    "database is locked",
    "database table is locked",
    "database or disk is full",
    "disk I/O error",
    "unable to open database file",
)
_POSTGRES_CLASSES: Final = ("08", "53", "57", "58")
"""Classes of SQLSTATE: connection, resources, operator intervention, system error."""
_POSTGRES_CODES: Final = ("40001", "40P01", "55P03", "25006")
"""Serialisation failure, deadlock, lock not available, and a server that accepts no writes."""


def is_temporary(error: BaseException) -> bool:
    """Return whether an error, or one that caused it, is a temporary condition."""
    return any(_is_temporary(one) for one in _chain(error))


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)


def _is_temporary(error: BaseException) -> bool:
    match error:
        case DBAPIError():
            return error.connection_invalidated or _is_database_busy(error)
        case PoolTimeout() | ConnectionError() | TimeoutError():
            return True
        case OSError():
            return error.errno in _ERRNOS
    return False


def _is_database_busy(error: BaseException) -> bool:
    """Return whether the database of this error is locked, full or away."""
    if not isinstance(error, DBAPIError):
        return False
    if (state := sqlstate_of(error)) is not None:
        return state.startswith(_POSTGRES_CLASSES) or state in _POSTGRES_CODES
    # Only the driver's own message: the rendered statement may contain any text.
    message = str(driver_error_of(error))
    return message.startswith(_SQLITE_MESSAGES) or "connection failed" in message


def retry_while_temporary[R](
    work: Callable[[], R],
    *,
    report: Callable[[Exception, float], object],
    is_cancelled: Callable[[], bool],
    is_temporary: Callable[[Exception], bool] = is_temporary,
    max_seconds: float = float("inf"),
) -> R:
    """Call `work` until it succeeds or fails for good, with growing pauses.

    Args:
        work: The work; repeating it has no other effect than doing it once.
        report: Called with each temporary error and the seconds until the next attempt.
        is_cancelled: Whether to give up, checked during the pauses.
        is_temporary: Decides which errors are temporary.
        max_seconds: Maximum time from the first failure; the last error is raised afterwards.

    Raises:
        Exception: The error of `work`, if it is not temporary, the time is over, or the job was cancelled.
    """
    deadline: float | None = None
    pause = FIRST_PAUSE_SECONDS
    while True:
        try:
            return work()
        except Exception as error:
            now = time.monotonic()
            deadline = now + max_seconds if deadline is None else deadline
            if not is_temporary(error) or now + pause > deadline:
                raise
            report(error, pause)
            if _wait(pause, is_cancelled):
                raise
        pause = min(2 * pause, MAX_PAUSE_SECONDS)


def _wait(seconds: float, is_cancelled: Callable[[], bool]) -> bool:
    """Sleep; return early, with True, when the work is cancelled."""
    ends = time.monotonic() + seconds
    while (left := ends - time.monotonic()) > 0:
        if is_cancelled():
            return True
        time.sleep(min(left, POLL_SECONDS))
    return is_cancelled()
