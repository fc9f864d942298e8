"""From what was answered to rows of the tables that keep it: the work of the process that writes them (`writer.py`)."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from housing_price_orchestrator.provider.store.tables import prediction, shadow_prediction
from housing_price_orchestrator.provider.store.writer_process.bulk_insert import INPUTS

type Answered = tuple[float, str, str | None, Sequence[str], Sequence[int], Sequence[Any]]
"""What one request was answered.

When (seconds since 1970), the ids of the request and of its key; and of each price the transaction's id, the house's,
and the `PriceEstimate`. It travels as MessagePack, and arrives as lists: an estimate is that of its values, and the
model in it that of its own. Nothing is checked on the way, so that the database says what it does not take, and of
which row.
"""

type Row = tuple[Any, ...]
"""The values of a row, in the order of `Kept.columns`; the transaction's id is the first."""


def utc(seconds: float) -> datetime:
    """Give a time (seconds since 1970) as the tables hold it: UTC, without a zone."""
    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)


class Timestamps:
    """Writes times as the tables hold them: always with six digits, so that the texts sort like the times."""

    def __init__(self) -> None:
        self._millisecond = -1
        self._text = ""

    def of(self, seconds: float) -> str:
        """Write a time (seconds since 1970) to the millisecond; of several within one, the text is made once."""
        millisecond = int(seconds * 1_000)
        if millisecond != self._millisecond:
            self._millisecond = millisecond
            second, rest = divmod(millisecond, 1_000)
            self._text = f"{utc(second).isoformat(' ')}.{rest:03d}000"
        return self._text


class Kept(NamedTuple):
    """What is kept of each price: a row of one table."""

    name: str
    """What whoever keeps it is called in the service's log."""
    table: sa.Table
    columns: Sequence[str]
    """What the values of a row are, in their order."""
    rows_of: Callable[[Answered, Timestamps], list[Row]]
    """Makes the row of each price."""


def rows_of_answers(answered: Answered, timestamps: Timestamps) -> list[Row]:
    """Make the rows of `prediction` of prices that were answered."""
    answered_at, request_id, key_id, *prices = answered
    when = timestamps.of(answered_at)
    return [
        (
            transaction_id,
            when,
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


def rows_of_shadows(answered: Answered, timestamps: Timestamps) -> list[Row]:
    """Make the rows of `shadow_prediction` of prices that a shadow made; the houses stand in those of the answers."""
    answered_at, _request_id, _key_id, *prices = answered
    when = timestamps.of(answered_at)
    return [
        (transaction_id, when, name, version, model_id, price, low, high)
        for transaction_id, _house_id, (price, low, high, (name, version, model_id, _variant), *_) in zip(
            *prices, strict=True
        )
    ]


ANSWERS = Kept(
    "prediction log",
    prediction,
    [
        *("transaction_id", "predicted_at", "request_id", "key_id", "house_id"),
        *("model_name", "model_version", "model_id"),
        *("price_usd", "low_usd", "high_usd", "source", "variant", INPUTS),
    ],
    rows_of_answers,
)
"""The prices that were answered."""

SHADOWS = Kept(
    "shadow log",
    shadow_prediction,
    [
        *("transaction_id", "shadowed_at", "model_name", "model_version", "model_id"),
        *("price_usd", "low_usd", "high_usd"),
    ],
    rows_of_shadows,
)
"""What the shadow said of the same houses."""

KEPT_IN = {kept.table.name: kept for kept in (ANSWERS, SHADOWS)}
"""What is kept in each table."""
