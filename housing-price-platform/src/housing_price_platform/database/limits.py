"""The limits of the calls to a database."""

from dataclasses import dataclass
from typing import Final

_MARGIN_SECONDS: Final = 1.0


@dataclass(frozen=True)
class Limits:
    """Time limits of calls to a database. A `deadline` of the thread shortens each of them."""

    connect_seconds: float
    """Time to connect, and to get a connection of the pool."""
    lock_seconds: float | None
    """Time to wait for locks that others hold; None for no such limit on Postgres, and for `connect_seconds` on SQLite.
    """
    statement_seconds: float | None
    """Time of a statement, after which Postgres cancels it; on SQLite, of a transaction. None for no such limit."""
    answer_seconds: float | None = None
    """Time without an answer of Postgres after which the connection is closed; None for a second more than
    `statement_seconds`, so that the server can cancel the statement first."""

    @property
    def silence_seconds(self) -> float | None:
        """Time without an answer after which a connection to Postgres counts as lost; None for no limit."""
        if self.answer_seconds is not None or self.statement_seconds is None:
            return self.answer_seconds
        return self.statement_seconds + _MARGIN_SECONDS
