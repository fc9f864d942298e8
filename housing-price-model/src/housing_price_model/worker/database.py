"""The jobs database that API and workers share: a SQLite file or Postgres."""

from typing import Final

from sqlalchemy.engine import Engine, make_url
from sqlalchemy.exc import ArgumentError

from housing_price_model.errors import JobsError
from housing_price_platform.database.sqlite_file import damage_of_database
from housing_price_platform.jobs.database import worker_engine

_TIMEOUT_SECONDS: Final = 10
_MAX_CONNECTIONS: Final = 10
_INVALID_URL: Final = "invalid URL of the jobs database: use sqlite:///FILE or postgresql://USER:PASSWORD@HOST/DATABASE"


def open_jobs(url: str) -> Engine:
    """Create an engine for DBOS; it does not connect yet.

    Raises:
        JobsError: the URL is invalid, the database's driver is missing, or its SQLite file is damaged. The message
            omits the URL because it may contain a password.
    """
    try:
        parsed = make_url(url)
        kind = parsed.get_backend_name()
    except (ArgumentError, ValueError) as error:
        raise JobsError(_INVALID_URL) from error
    if kind in {"postgresql", "postgres"}:
        parsed = parsed.set(drivername="postgresql+psycopg")
    elif kind != "sqlite" or not parsed.database:
        raise JobsError(_INVALID_URL)
    elif damage := damage_of_database(url):
        raise JobsError(f"the jobs database {damage}")
    try:
        return worker_engine(parsed, connections=_MAX_CONNECTIONS, wait_seconds=_TIMEOUT_SECONDS)
    except ModuleNotFoundError as error:
        raise JobsError("the Postgres driver is not installed: install the extra `postgres`") from error
