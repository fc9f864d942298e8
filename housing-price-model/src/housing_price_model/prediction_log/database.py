"""The database of the prediction log: the tables and columns that readers use, and read-only connections."""

from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import URL, Engine, make_url
from sqlalchemy.exc import ArgumentError

from housing_price_model.errors import LogError
from housing_price_platform.database.engine import bounded_engine
from housing_price_platform.database.limits import Limits

_WAIT_SECONDS: Final = 10.0
"""Time to connect, and to wait for locks."""

_STATEMENT_SECONDS: Final = 120.0
"""Time of one statement on Postgres; analyses read a large log in many statements."""

_CONNECTIONS: Final = 5
OLDEST_REVISION: Final = "0004"
"""Oldest tables that can be read. Earlier ones join a sale price by house id with the predictions of every caller.

Tables of later releases can be read too: columns are only added (`docs/prediction-log.md`).
"""

_POSTGRES: Final = "postgresql"


def _text(*names: str) -> list[sa.ColumnClause[Any]]:
    return [sa.column(name, sa.Text) for name in names]


def _numbers(*names: str) -> list[sa.ColumnClause[Any]]:
    return [sa.column(name, sa.Double) for name in names]


_MODEL: Final = ("transaction_id", "model_name", "model_version", "model_id")
_ESTIMATE: Final = ("price_usd", "low_usd", "high_usd")

PREDICTION: Final = sa.table(
    "prediction",
    *_text(*_MODEL, "inputs", "key_id", "variant"),
    *_numbers(*_ESTIMATE),
    sa.column("house_id", sa.BigInteger),
    sa.column("predicted_at", sa.DateTime),
    sa.column("columns_version", sa.Integer),
)
SHADOW_PREDICTION: Final = sa.table(
    "shadow_prediction", *_text(*_MODEL), *_numbers(*_ESTIMATE), sa.column("shadowed_at", sa.DateTime)
)
VALUATION: Final = sa.table(
    "valuation",
    *_text("transaction_id", "method", "comparables_id", "sales"),
    *_numbers("value_usd", "low_usd", "high_usd"),
)
REVISION: Final = sa.table("alembic_version", *_text("version_num"))
COLUMN_NAMES: Final = sa.table("prediction_columns", sa.column("version", sa.Integer), *_text("names"))
REALISED: Final = sa.table(
    "realised",
    *_text(*_MODEL, "month"),
    *_numbers(*_ESTIMATE, "sale_price_usd"),
    sa.column("predicted_at", sa.DateTime),
)


def open_engine(url: str) -> tuple[Engine, str]:
    """Create a read-only engine; also returns a name of the log for error messages, without the password.

    Raises:
        LogError: the URL is invalid, the file does not exist, or the database's driver is not installed.
    """
    invalid = "invalid prediction log URL: use sqlite:///FILE or postgresql://USER:PASSWORD@HOST/DATABASE"
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as error:
        # Omit the URL from the message: it may contain a password.
        raise LogError(invalid) from error
    if parsed.get_backend_name() not in {"sqlite", _POSTGRES, "postgres"}:
        raise LogError(f"{parsed.get_backend_name()}: {invalid}")
    name = parsed.render_as_string(hide_password=True)
    return _sqlite(parsed) if parsed.get_backend_name() == "sqlite" else _postgres(parsed), name


def _sqlite(url: URL) -> Engine:
    file = Path(url.database or "")
    if not file.is_file():
        raise LogError(f"{file}: file not found")
    # Read-only: a bug in a reader must not damage the log. A stream of rows is one transaction, without a time limit.
    limits = Limits(_WAIT_SECONDS, _WAIT_SECONDS, None)
    return bounded_engine(url, limits, connections=_CONNECTIONS, is_read_only=True)


def _postgres(url: URL) -> Engine:
    driver = url.drivername if "+" in url.drivername else f"{_POSTGRES}+psycopg"
    limits = Limits(_WAIT_SECONDS, _WAIT_SECONDS, _STATEMENT_SECONDS)
    try:
        return bounded_engine(url.set(drivername=driver), limits, connections=_CONNECTIONS, is_read_only=True)
    except ImportError as error:
        raise LogError(f"the {_POSTGRES} driver is not installed ({error}): install psycopg[binary]") from error
