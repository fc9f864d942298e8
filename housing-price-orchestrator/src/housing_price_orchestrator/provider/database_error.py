"""Database errors: their text for logs and terminals, and whether a value caused them."""

from typing import Final

from sqlalchemy.exc import DataError, IntegrityError, SQLAlchemyError

MAX_CHARACTERS: Final = 500

_CLASSES_OF_VALUES: Final = ("22", "23", "54")
"""SQLSTATE classes: data exception, integrity constraint violation, program limit exceeded (by a long value)."""


def is_caused_by_value(error: Exception) -> bool:
    """Return whether the database works, but cannot process a value of the statement.

    Drivers report some values before the database sees them, with errors of Python: a lone surrogate as `UnicodeError`,
    an integer beyond 64 bits as `OverflowError`.
    """
    if isinstance(error, DataError | IntegrityError | UnicodeError | OverflowError):
        return True
    state = getattr(getattr(error, "orig", None), "sqlstate", None) or ""
    return state.startswith(_CLASSES_OF_VALUES)


def describe_database_error(error: Exception) -> str:
    """Return the class of an error and its reason.

    The reason is the driver's message if there is one. SQLAlchemy's text also contains the statement, its values and a
    link to SQLAlchemy's documentation.
    """
    reason: object = error
    if isinstance(error, SQLAlchemyError):
        reason = getattr(error, "orig", None) or next(iter(error.args), error)
    return f"{type(error).__name__}: {reason}"[:MAX_CHARACTERS]
