"""Postgres: connections that give up on a silent server, and ask it to limit statements and locks.

The server's own timeouts do not help against a server that is frozen, was replaced (failover) or cannot be reached.
TCP keepalives and `tcp_user_timeout` notice a host that is gone, but not a frozen process: its kernel still
acknowledges. So the client limits the wait for each answer as well, and closes a connection that stays silent.
"""

import math
from collections.abc import Generator, Mapping
from functools import partial
from typing import Any, Final

import psycopg
import sqlalchemy as sa
from psycopg.abc import PQGen
from psycopg.errors import _WaitTimeout
from sqlalchemy import event
from sqlalchemy.engine import URL, Dialect, Engine
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.pool import ConnectionPoolEntry

from housing_price_platform.database.deadline import deadline, seconds_left
from housing_price_platform.database.limits import Limits

PING_SECONDS: Final = 1.0
"""Time in which a pooled connection must answer before it is used; otherwise all pooled connections are replaced."""

KEEPALIVE_SECONDS: Final = 10
"""Idle time before the kernel checks a connection; a host that is gone is noticed within twice this time."""

LISTEN_CHECK_SECONDS: Final = 30.0
"""Interval at which a connection that waits for notifications is checked."""

IDLE_TRANSACTION_SECONDS: Final = 60.0
"""Time after which the server ends a transaction whose client is frozen or gone, and so releases its locks."""

_IS_NEW: Final = "is_new"


class BoundedConnection(psycopg.Connection[Any]):
    """A connection that closes itself when the server does not answer in time."""

    silence_seconds: float = math.inf

    def wait[T](self, gen: PQGen[T], interval: float = 0.1, timeout: float | None = None) -> T:
        """Wait for the end of an operation, for at most `silence_seconds` and until the deadline of the thread.

        Raises:
            psycopg.OperationalError: there was no answer in time; the connection is closed.
        """
        limit = seconds_left(self.silence_seconds)
        if timeout is not None and timeout < limit:
            return super().wait(gen, interval, timeout)
        try:
            return super().wait(gen, interval, None if math.isinf(limit) else limit)
        except _WaitTimeout as error:
            # The answer may still arrive, so the connection cannot be used for another operation.
            self.pgconn.finish()
            raise psycopg.OperationalError(f"no answer from the database within {limit:.3g} s") from error

    def notifies(self, *, timeout: float | None = None, stop_after: int | None = None) -> Generator[psycopg.Notify]:
        """Yield notifications, however long they take: here silence is normal.

        Without a limit, the connection is checked from time to time.
        """
        is_endless = timeout is None and stop_after is None
        while True:
            silence_seconds, self.silence_seconds = self.silence_seconds, math.inf
            try:
                yield from super().notifies(
                    timeout=LISTEN_CHECK_SECONDS if is_endless else timeout, stop_after=stop_after
                )
            finally:
                self.silence_seconds = silence_seconds
            if not is_endless:
                return
            self.execute("SELECT 1")


def create_engine(url: URL, limits: Limits, pool: Mapping[str, Any], *, is_read_only: bool) -> Engine:
    """Create an engine for a Postgres database; see `bounded_engine`."""
    options = {"timezone": "UTC"}
    if is_read_only:
        options["default_transaction_read_only"] = "on"
    else:
        options["idle_in_transaction_session_timeout"] = _milliseconds(IDLE_TRANSACTION_SECONDS)
    if limits.statement_seconds is not None:
        options["statement_timeout"] = _milliseconds(limits.statement_seconds)
    if limits.lock_seconds is not None:
        options["lock_timeout"] = _milliseconds(limits.lock_seconds)
    silence_seconds = math.inf if limits.silence_seconds is None else limits.silence_seconds
    arguments: dict[str, Any] = {
        "options": " ".join([*(f"-c {name}={value}" for name, value in options.items()), *_options_of(url)]),
        "keepalives": 1,
        "keepalives_idle": KEEPALIVE_SECONDS,
        "keepalives_interval": KEEPALIVE_SECONDS // 3,
        "keepalives_count": 3,
    }
    if not math.isinf(silence_seconds):
        arguments["tcp_user_timeout"] = _milliseconds(silence_seconds)
    engine = sa.create_engine(url, connect_args=arguments, **pool)
    event.listen(engine, "do_connect", partial(_connect, limits.connect_seconds, silence_seconds))
    event.listen(engine, "connect", _mark_new)
    event.listen(engine, "checkout", partial(_check, engine.dialect))
    return engine


def _options_of(url: URL) -> list[str]:
    """Return the server options of the URL itself, which have priority."""
    given = url.query.get("options", ())
    return [given] if isinstance(given, str) else list(given)


def _milliseconds(seconds: float) -> str:
    return str(math.ceil(seconds * 1000))


def _connect(
    connect_seconds: float,
    silence_seconds: float,
    _dialect: Dialect,
    _entry: ConnectionPoolEntry,
    positional: Any,
    arguments: dict[str, Any],
) -> BoundedConnection:
    # psycopg applies whole seconds, at least 2, to each address of the server.
    arguments["connect_timeout"] = max(1, math.ceil(seconds_left(connect_seconds)))
    connection = BoundedConnection.connect(*positional, **arguments)
    connection.silence_seconds = silence_seconds
    return connection


def _mark_new(_connection: DBAPIConnection, entry: ConnectionPoolEntry) -> None:
    entry.info[_IS_NEW] = True


def _check(dialect: Dialect, connection: Any, entry: ConnectionPoolEntry, _proxy: object) -> None:
    """Check a pooled connection before its use, so that a silent one costs little of the caller's time."""
    if entry.info.pop(_IS_NEW, False):
        return
    try:
        with deadline(PING_SECONDS):
            dialect.do_ping(connection)
    except psycopg.Error as error:
        raise InvalidatePoolError(f"a pooled connection is lost: {error}") from error
