"""The text of a database error for logs and terminals."""

from typing import Final

from sqlalchemy.exc import SQLAlchemyError

MAX_CHARACTERS: Final = 500


def describe_database_error(error: Exception) -> str:
    """Return the class of an error and its reason.

    The reason is the driver's message if there is one. SQLAlchemy's text also contains the statement, its values and a
    link to SQLAlchemy's documentation.
    """
    reason: object = error
    if isinstance(error, SQLAlchemyError):
        reason = getattr(error, "orig", None) or next(iter(error.args), error)
    return f"{type(error).__name__}: {reason}"[:MAX_CHARACTERS]
