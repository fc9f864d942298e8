"""Errors of databases: the driver's own error behind SQLAlchemy's, and a text for logs and terminals."""

from typing import Final

from sqlalchemy.exc import SQLAlchemyError, StatementError

MAX_CHARACTERS: Final = 500


def driver_error_of(error: BaseException) -> BaseException | None:
    """Return the driver's error that SQLAlchemy's error wraps; None if it wraps none."""
    return error.orig if isinstance(error, StatementError) else None


def sqlstate_of(error: BaseException) -> str | None:
    """Return the SQLSTATE code of an error of Postgres; None for any other error."""
    state = getattr(driver_error_of(error), "sqlstate", None)
    return state if isinstance(state, str) else None


def describe_database_error(error: BaseException) -> str:
    """Return the class of an error and its reason.

    The reason is the driver's message if there is one. SQLAlchemy's text also contains the statement, its values and a
    link to SQLAlchemy's documentation.
    """
    reason: object = error
    if isinstance(error, SQLAlchemyError):
        reason = driver_error_of(error) or next(iter(error.args), error)
    return f"{type(error).__name__}: {reason}"[:MAX_CHARACTERS]
