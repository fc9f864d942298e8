"""The rows of the prediction log as Python objects, checked against the contract (`docs/prediction-log.md`)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
import sqlalchemy as sa

from housing_price_model.errors import LogError


@dataclass(frozen=True)
class Window:
    """A time window of predictions: `start` inclusive, `end` exclusive; UTC without a zone."""

    start: datetime | None = None
    end: datetime | None = None

    def __str__(self) -> str:
        ends = [f"{word} {at:%Y-%m-%d %H:%M:%S} UTC" for word, at in (("from", self.start), ("to", self.end)) if at]
        return " ".join(ends) or "the whole log"


@dataclass(frozen=True)
class Model:
    """A model in the log, and its number of predictions."""

    model_id: str
    name: str
    version: str
    rows: int


@dataclass(frozen=True)
class Page:
    """Logged rows with the same columns."""

    columns: Sequence[str]
    """Column names of the rows."""
    rows: Sequence[Sequence[Any]]
    """Input values of the model; None for a missing value."""
    estimates: Sequence[tuple[float, float, float]]
    """`price`, `low` and `high` of each row, in US dollars."""
    transactions: Sequence[str]
    """Transaction id of each row."""
    model_ids: Sequence[str]
    """Model id of each row."""


@dataclass(frozen=True)
class Sale:
    """The sale price of a house and its prediction, in US dollars."""

    model_version: str
    month: str
    sold: float
    price: float
    low: float
    high: float


@dataclass(frozen=True)
class SoldHouse:
    """A predicted house with a known sale price."""

    transaction: str
    """Transaction id of the prediction."""
    house: tuple[str | None, int]
    """The caller (`key_id` in the log), and the caller's own id of the house."""
    columns: Sequence[str]
    """Column names of the values."""
    values: Sequence[Any]
    """Input values of the model; None for a missing value."""
    sold: float
    """Sale price in US dollars."""


@dataclass(frozen=True)
class LoggedValue:
    """A logged value that was made from a price and comparable sales."""

    transaction: str
    """Transaction id of the valuation."""
    columns: Sequence[str]
    """Column names of the values."""
    values: Sequence[Any]
    """Input values of the price model; None for a missing value."""
    estimate: tuple[float, float, float]
    """`value`, `low` and `high`, in US dollars."""
    price_model_id: str
    """The model id of the price."""
    comparables_id: str
    """The model id of the comparables model."""
    sales: Sequence[int]
    """The ids of the comparable sales."""


def page_of(columns: Sequence[str], rows: Sequence[sa.Row[Any]]) -> Page:
    """Make a page of rows of the table `prediction`.

    Raises:
        LogError: a row violates the contract.
    """
    return Page(
        columns=columns,
        rows=[values_of(row.transaction_id, row.inputs, len(columns)) for row in rows],
        estimates=[_estimate(row) for row in rows],
        transactions=[row.transaction_id for row in rows],
        model_ids=[row.model_id for row in rows],
    )


def values_of(transaction_id: str, inputs: str, count: int) -> Sequence[Any]:
    """Parse the `count` input values of a row.

    Raises:
        LogError: the inputs are not a JSON array of this length.
    """
    try:
        values = orjson.loads(inputs)
    except ValueError as error:
        raise LogError(f"{transaction_id}: the inputs are not valid JSON") from error
    if not isinstance(values, list) or len(values) != count:
        raise LogError(f"{transaction_id}: the inputs are not a list of {count} values")
    return values


def sold_house_of(columns: Sequence[str], row: sa.Row[Any]) -> SoldHouse:
    """Make a sold house of a row of the table `prediction` with `sale_price_usd`.

    Raises:
        LogError: the row violates the contract.
    """
    return SoldHouse(
        row.transaction_id,
        (row.key_id, row.house_id),
        columns,
        values_of(row.transaction_id, row.inputs, len(columns)),
        row.sale_price_usd,
    )


def logged_value_of(columns: Sequence[str], row: sa.Row[Any]) -> LoggedValue:
    """Make a logged value of joined rows of the tables `prediction` and `valuation`.

    Raises:
        LogError: the row violates the contract.
    """
    return LoggedValue(
        row.transaction_id,
        columns,
        values_of(row.transaction_id, row.inputs, len(columns)),
        (row.value_usd, row.low_usd, row.high_usd),
        row.model_id,
        row.comparables_id,
        _sales_of(row),
    )


def _sales_of(row: sa.Row[Any]) -> Sequence[int]:
    try:
        sales = orjson.loads(row.sales)
    except ValueError as error:
        raise LogError(f"{row.transaction_id}: the sales are not valid JSON") from error
    if not isinstance(sales, list) or not all(type(sale) is int for sale in sales):
        raise LogError(f"{row.transaction_id}: the sales are not a list of ids")
    return sales


def _estimate(row: sa.Row[Any]) -> tuple[float, float, float]:
    price, low, high = row.price_usd, row.low_usd, row.high_usd
    if not (price > 0 and 0 < low <= high):
        raise LogError(f"{row.transaction_id}: invalid estimate: low {low}, price {price}, high {high}")
    return price, low, high


def sale_of(row: sa.Row[Any]) -> Sale:
    """Make a sale of a row of the view `realised`.

    Raises:
        LogError: a price is not positive.
    """
    sale = Sale(*tuple(row))
    if not (sale.sold > 0 and sale.price > 0):
        raise LogError(f"invalid sale: sale price {sale.sold}, predicted price {sale.price}")
    return sale
