"""Turns answered requests into rows of the log tables; runs in the writer process."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import orjson
import sqlalchemy as sa

from housing_price_orchestrator.provider.store.tables import prediction, shadow_prediction, valuation
from housing_price_orchestrator.provider.store.writer_process.bulk_insert import INPUTS

type AnsweredRequest = tuple[float, str, str | None, Sequence[str], Sequence[int], Sequence[Any], Sequence[Any]]
"""The answer to one request, as it travels to the writer process.

Fields: Unix time in seconds; request id; key id; and one list each of transaction ids, house ids, `PriceEstimate`s
and `ValuationRecord`s; the last is empty if only prices were asked for. MessagePack turns an estimate, and the model in
it, into a list of its values. Nothing is checked on the way: the database reports the rows that it refuses.
"""


type Row = tuple[Any, ...]
"""The values of one row, in the order of `LogTable.columns`; the first is the transaction id."""


def utc(seconds: float) -> datetime:
    """Convert Unix time to the form that the tables store: UTC, without a zone."""
    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)


class TimestampFormatter:
    """Formats times for the tables, always with six decimals, so that the texts sort by time."""

    def __init__(self) -> None:
        self._millisecond = -1
        self._text = ""

    def format(self, seconds: float) -> str:
        """Format Unix time to the millisecond; times within the same millisecond share one text."""
        millisecond = int(seconds * 1_000)
        if millisecond != self._millisecond:
            self._millisecond = millisecond
            second, milliseconds = divmod(millisecond, 1_000)
            self._text = f"{utc(second).isoformat(' ')}.{milliseconds:03d}000"
        return self._text


class LogTable(NamedTuple):
    """A table of the log, and how its rows are made: at most one for each price."""

    name: str
    """Name of this log in log events."""
    table: sa.Table
    columns: Sequence[str]
    """Columns of the values of a row, in order."""
    rows_of: Callable[[AnsweredRequest, TimestampFormatter], list[Row]]
    """Makes the rows of one answered request."""


def prediction_rows(answered: AnsweredRequest, timestamps: TimestampFormatter) -> list[Row]:
    """Make the rows of `prediction`: the prices that were answered."""
    answered_at, request_id, key_id, *prices, _valuations = answered
    timestamp = timestamps.format(answered_at)
    return [
        (
            transaction_id,
            timestamp,
            request_id,
            key_id,
            house_id,
            name,
            version,
            model_id,
            price,
            low,
            high,
            source,
            variant,
            inputs.decode(),
        )
        for transaction_id, house_id, (price, low, high, (name, version, model_id, variant), source, inputs) in zip(
            *prices, strict=True
        )
    ]


def shadow_prediction_rows(answered: AnsweredRequest, timestamps: TimestampFormatter) -> list[Row]:
    """Make the rows of `shadow_prediction`: prices of the shadow model. The inputs are in `prediction`."""
    answered_at, _request_id, _key_id, *prices, _valuations = answered
    timestamp = timestamps.format(answered_at)
    return [
        (transaction_id, timestamp, name, version, model_id, price, low, high)
        for transaction_id, _house_id, (price, low, high, (name, version, model_id, _variant), *_) in zip(
            *prices, strict=True
        )
    ]


def valuation_rows(answered: AnsweredRequest, timestamps: TimestampFormatter) -> list[Row]:
    """Make the rows of `valuation`; a request for prices has none."""
    answered_at, _request_id, _key_id, transaction_ids, _house_ids, _estimates, valuations = answered
    if not valuations:
        return []
    timestamp = timestamps.format(answered_at)
    return [
        (
            transaction_id,
            timestamp,
            method,
            value,
            low,
            high,
            confidence,
            _json(parts),
            _json(problems),
            *(model or (None, None, None))[:3],
            _json(sales),
        )
        for transaction_id, (method, value, low, high, confidence, parts, problems, model, sales) in zip(
            transaction_ids, valuations, strict=True
        )
    ]


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()


PREDICTION_LOG: Final = LogTable(
    "prediction log",
    prediction,
    [
        *("transaction_id", "predicted_at", "request_id", "key_id", "house_id"),
        *("model_name", "model_version", "model_id"),
        *("price_usd", "low_usd", "high_usd", "source", "variant", INPUTS),
    ],
    prediction_rows,
)
"""The log of answered prices."""

SHADOW_LOG: Final = LogTable(
    "shadow log",
    shadow_prediction,
    [
        *("transaction_id", "shadowed_at", "model_name", "model_version", "model_id"),
        *("price_usd", "low_usd", "high_usd"),
    ],
    shadow_prediction_rows,
)
"""The log of the shadow model's prices for the same houses."""

VALUATION_LOG: Final = LogTable(
    "valuation log",
    valuation,
    [
        *("transaction_id", "valued_at", "method", "value_usd", "low_usd", "high_usd", "confidence"),
        *("parts", "problems", "comparables_name", "comparables_version", "comparables_id", "sales"),
    ],
    valuation_rows,
)
"""The rows that valuations add to the prediction log, beside their prices."""

LOG_TABLES: Final = {
    PREDICTION_LOG.table.name: (VALUATION_LOG, PREDICTION_LOG),
    SHADOW_LOG.table.name: (SHADOW_LOG,),
}
"""The tables of each log in the order in which they are written, by the name of the table with a row for each price.

Each table is written in a transaction of its own. The prices come last, so that a price is never found without its
valuation.
"""
