"""The database that holds the prediction log: the tables as a reader needs them, and how it is reached."""

import sqlite3
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import URL, Engine, make_url
from sqlalchemy.exc import ArgumentError

from housing_price_model.errors import LogError

_PATIENCE_SECONDS: Final = 10
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
COLUMN_NAMES: Final = sa.table("prediction_columns", sa.column("version", sa.Integer), *_text("names"))
REALISED: Final = sa.table(
    "realised",
    *_text(*_MODEL, "month"),
    *_numbers(*_ESTIMATE, "sale_price_usd"),
    sa.column("predicted_at", sa.DateTime),
)


def open_engine(url: str) -> tuple[Engine, str]:
    """Make an engine that only reads; also gives the name by which errors may call the log.

    Raises:
        LogError: it is no URL of a log, there is no such file, or the database's driver is not installed.
    """
    wrong = "a prediction log should be named as sqlite:///FILE or postgresql://USER:PASSWORD@HOST/DATABASE"
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as exc:
        # The text is not repeated: there may be a password in it.
        raise LogError(wrong) from exc
    if parsed.get_backend_name() not in {"sqlite", _POSTGRES, "postgres"}:
        raise LogError(f"{parsed.get_backend_name()}: {wrong}")
    name = parsed.render_as_string(hide_password=True)
    return _sqlite(parsed) if parsed.get_backend_name() == "sqlite" else _postgres(parsed), name


def _sqlite(url: URL) -> Engine:
    file = Path(url.database or "")
    if not file.is_file():
        raise LogError(f"{file}: there is no such file, so no prediction log")

    def connect() -> sqlite3.Connection:
        # Read only: a reader that makes a mistake must not cost a row.
        return sqlite3.connect(
            f"{file.absolute().as_uri()}?mode=ro", uri=True, timeout=_PATIENCE_SECONDS, check_same_thread=False
        )

    return sa.create_engine("sqlite://", creator=connect, poolclass=sa.QueuePool)


def _postgres(url: URL) -> Engine:
    driver = url.drivername if "+" in url.drivername else f"{_POSTGRES}+psycopg"
    options = {"connect_timeout": _PATIENCE_SECONDS, "options": "-c default_transaction_read_only=on -c timezone=UTC"}
    try:
        return sa.create_engine(url.set(drivername=driver), connect_args=options)
    except ImportError as exc:
        raise LogError(f"the driver of {_POSTGRES} is not installed ({exc}): install psycopg[binary]") from exc
