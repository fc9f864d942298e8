"""From prices to rows of the tables that keep them."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import sqlalchemy as sa
from orjson import dumps

from housing_price_orchestrator.provider.model_server.columns import row_of
from housing_price_orchestrator.provider.store.tables import prediction, shadow_prediction
from housing_price_orchestrator.provider.store.writing import INPUTS
from housing_price_orchestrator.shared.ports import PriceEstimate
from housing_price_orchestrator.shared.view.record import AnyHouse

type Row = bytes
"""A row on its way to the process that writes it: a JSON list of its values, the transaction's id first.

Where the table holds `INPUTS`, they follow on a line of their own: the text that it gets as it is, and nobody reads on
the way.
"""

type Origin = tuple[str, str, str | None]
"""When prices were answered, as `Timestamps` writes it; the id of the request; and that of its key."""


class Answered(NamedTuple):
    """Prices that were answered together."""

    origin: Origin
    transaction_ids: Sequence[str]
    houses: Sequence[AnyHouse]
    estimates: Sequence[PriceEstimate]


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
    """What the values of a row are, in their order; `INPUTS` are the last."""
    row_of: Callable[[str, Origin, AnyHouse, PriceEstimate], Row]
    """Makes the row of one price, of its transaction's id, its origin, the house and the price."""


def row_of_answer(transaction_id: str, origin: Origin, house: AnyHouse, estimate: PriceEstimate) -> Row:
    """Give the row of `prediction` of a price that was answered."""
    model = estimate.model
    when, request_id, key_id = origin
    values = (
        transaction_id,
        when,
        request_id,
        key_id,
        house.id,
        model.name,
        model.version,
        model.id,
        estimate.price_usd,
        estimate.low_usd,
        estimate.high_usd,
        estimate.source,
        model.variant,
    )
    # What was sent is kept: a house that waited for its price has left the processor's cache.
    return dumps(values) + b"\n" + (estimate.inputs or dumps(row_of(house)))


def row_of_shadow(transaction_id: str, origin: Origin, house: AnyHouse, estimate: PriceEstimate) -> Row:
    """Give the row of `shadow_prediction` of a price that the shadow made; the house stands in that of the answer."""
    del house
    model = estimate.model
    prices = estimate.price_usd, estimate.low_usd, estimate.high_usd
    return dumps((transaction_id, origin[0], model.name, model.version, model.id, *prices))


ANSWERS = Kept(
    "prediction log",
    prediction,
    [
        *("transaction_id", "predicted_at", "request_id", "key_id", "house_id"),
        *("model_name", "model_version", "model_id"),
        *("price_usd", "low_usd", "high_usd", "source", "variant", INPUTS),
    ],
    row_of_answer,
)
"""The prices that were answered."""

SHADOWS = Kept(
    "shadow log",
    shadow_prediction,
    [
        *("transaction_id", "shadowed_at", "model_name", "model_version", "model_id"),
        *("price_usd", "low_usd", "high_usd"),
    ],
    row_of_shadow,
)
"""What the shadow said of the same houses."""
