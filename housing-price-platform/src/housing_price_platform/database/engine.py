"""Creates SQLAlchemy engines with a limit on every call: connecting, locks, statements, answers."""

from types import ModuleType

from sqlalchemy.engine import URL, Engine

from housing_price_platform.database import sqlite
from housing_price_platform.database.limits import Limits


def bounded_engine(
    url: URL,
    limits: Limits,
    *,
    connections: int,
    spare_connections: int = 0,
    sqlite_driver: ModuleType | None = None,
    is_read_only: bool = False,
) -> Engine:
    """Create an engine, without connecting.

    Args:
        url: the URL of a SQLite file or a Postgres database.
        limits: the limits of each call.
        connections: number of connections in the pool.
        spare_connections: further connections, for threads that replace stuck ones.
        sqlite_driver: module of the SQLite driver; None for that of the standard library.
        is_read_only: whether the connections refuse to write. A SQLite file must then exist.

    Raises:
        ModuleNotFoundError: the driver of the database is not installed.
    """
    pool = {"pool_size": connections, "max_overflow": spare_connections, "pool_timeout": limits.connect_seconds}
    if url.get_backend_name() == "sqlite":
        return sqlite.create_engine(url, limits, pool, driver=sqlite_driver, is_read_only=is_read_only)
    # Imported here because the driver takes time and memory to load.
    from housing_price_platform.database import postgres  # noqa: PLC0415

    return postgres.create_engine(url, limits, pool, is_read_only=is_read_only)
