"""From answered prices to rows of the table `prediction`."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import orjson

from housing_price_orchestrator.provider.model_server.columns import row_of
from housing_price_orchestrator.provider.store.tables import prediction
from housing_price_orchestrator.shared.ports import PriceEstimate
from housing_price_orchestrator.shared.view.record import AnyHouse

type PredictionRow = tuple[Any, ...]
"""The values of a row, one for each of `ROW_COLUMNS`."""

ROW_COLUMNS = [column.name for column in prediction.columns if column.name != "columns_version"]
"""The version of the columns is the same for all, and known to the database only."""


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


def row_of_answer(transaction_id: str, origin: Origin, house: AnyHouse, estimate: PriceEstimate) -> PredictionRow:
    """Give the row of one price."""
    model = estimate.model
    return (
        transaction_id,
        *origin,
        house.id,
        model.name,
        model.version,
        model.id,
        orjson.dumps(row_of(house)).decode(),
        estimate.price_usd,
        estimate.low_usd,
        estimate.high_usd,
        estimate.source,
        None,
    )


def rows_of(answered: Answered) -> Iterator[PredictionRow]:
    """Give the row of each price."""
    origin, *answers = answered
    for transaction_id, house, estimate in zip(*answers, strict=True):
        yield row_of_answer(transaction_id, origin, house, estimate)
