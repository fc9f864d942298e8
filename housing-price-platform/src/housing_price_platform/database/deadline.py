"""A deadline for all database calls of the current thread."""

import contextlib
import time
from collections.abc import Iterator
from contextvars import ContextVar

from sqlalchemy.exc import SQLAlchemyError

_deadline: ContextVar[float | None] = ContextVar("database_deadline", default=None)


class DeadlinePassed(SQLAlchemyError):
    """The deadline passed before the database was called."""


@contextlib.contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """End the database calls inside this context after `seconds`, or at the deadline that already holds."""
    token = _deadline.set(time.monotonic() + seconds_left(seconds))
    try:
        yield
    finally:
        _deadline.reset(token)


def seconds_left(limit: float) -> float:
    """Return `limit`, or the time until the deadline of this thread if that is less; 0 after it has passed."""
    until = _deadline.get()
    return limit if until is None else max(0.0, min(limit, until - time.monotonic()))


def has_deadline() -> bool:
    """Return whether a deadline holds in this thread."""
    return _deadline.get() is not None
