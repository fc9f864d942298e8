"""Tells database errors that a value of the request caused from errors of the database."""

from typing import Final

from sqlalchemy.exc import DataError, IntegrityError

from housing_price_platform.database.errors import sqlstate_of

_CLASSES_OF_VALUES: Final = ("22", "23", "54")
"""SQLSTATE classes: data exception, integrity constraint violation, program limit exceeded (by a long value)."""


def is_caused_by_value(error: Exception) -> bool:
    """Return whether the database works, but cannot process a value of the statement.

    Drivers report some values before the database sees them, with errors of Python: a lone surrogate as `UnicodeError`,
    an integer beyond 64 bits as `OverflowError`.
    """
    if isinstance(error, DataError | IntegrityError | UnicodeError | OverflowError):
        return True
    return (sqlstate_of(error) or "").startswith(_CLASSES_OF_VALUES)
