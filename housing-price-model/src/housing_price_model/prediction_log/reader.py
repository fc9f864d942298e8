"""Reads the prediction log that the orchestrator writes.

Reader and writer share no code: `docs/prediction-log.md` is the contract, and a test runs this module against the
tables of the orchestrator's migrations.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import orjson
import sqlalchemy as sa
from sqlalchemy.engine import Engine
from sqlalchemy.exc import SQLAlchemyError

from housing_price_model.errors import LogError
from housing_price_model.prediction_log.database import (
    COLUMN_NAMES,
    OLDEST_REVISION,
    PREDICTION,
    REALISED,
    REVISION,
    VALUATION,
    open_engine,
)

PAGE_ROWS: Final = 2_000
"""Maximum number of rows held in memory at a time."""


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
    """Logged rows with the same columns.

    Attributes:
        columns: Column names of the rows.
        rows: Input values of the model; None for a missing value.
        estimates: `price`, `low` and `high` of each row, in US dollars.
        transactions: Transaction id of each row.
        model_ids: Model id of each row.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]
    estimates: Sequence[tuple[float, float, float]]
    transactions: Sequence[str]
    model_ids: Sequence[str]


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
    """A predicted house with a known sale price.

    Attributes:
        transaction: Transaction id of the prediction.
        house: The caller (`key_id` in the log), and the caller's own id of the house.
        columns: Column names of the values.
        values: Input values of the model; None for a missing value.
        sold: Sale price in US dollars.
    """

    transaction: str
    house: tuple[str | None, int]
    columns: Sequence[str]
    values: Sequence[Any]
    sold: float


@dataclass(frozen=True)
class LoggedValue:
    """A logged value that was made from a price and comparable sales.

    Attributes:
        transaction: Transaction id of the valuation.
        columns: Column names of the values.
        values: Input values of the price model; None for a missing value.
        estimate: `value`, `low` and `high`, in US dollars.
        price_model_id: The model id of the price.
        comparables_id: The model id of the comparables model.
        sales: The ids of the comparable sales.
    """

    transaction: str
    columns: Sequence[str]
    values: Sequence[Any]
    estimate: tuple[float, float, float]
    price_model_id: str
    comparables_id: str
    sales: Sequence[int]


class PredictionLog:
    """A reader of the log, page by page; it holds no lock between pages."""

    def __init__(self, engine: Engine, name: str) -> None:
        """Create a reader; `name` identifies the log in error messages."""
        self._engine = engine
        self._name = name

    def check_revision(self) -> None:
        """Check that this release can read the tables.

        Raises:
            LogError: the log cannot be read, or its tables are too old.
        """
        revision = max((str(row.version_num) for row in self._rows(sa.select(REVISION))), default="none")
        if revision == "none" or revision < OLDEST_REVISION:
            raise LogError(
                f"{self._name}: its tables have revision {revision}, older than {OLDEST_REVISION}: run "
                f"`housing-price-orchestrator database upgrade`"
            )

    def models(self, window: Window, model_id: str | None = None) -> Sequence[Model]:
        """Return each model with its number of rows, most first."""
        table, count = PREDICTION.c, sa.func.count()
        query = (
            sa.select(table.model_id, sa.func.max(table.model_name), sa.func.max(table.model_version), count)
            .where(*_within(window, model_id))
            .group_by(table.model_id)
            .order_by(count.desc(), table.model_id)
        )
        return [Model(*tuple(row)) for row in self._rows(query)]

    def pages(self, window: Window, model_id: str | None = None) -> Iterator[Page]:
        """Yield all rows in order of time, at most `PAGE_ROWS` at a time.

        Raises:
            LogError: the log cannot be read, or a row violates the contract.
        """
        versions: dict[int, Sequence[str]] = {}
        table, last = PREDICTION.c, None
        while True:
            query = sa.select(PREDICTION).where(*_within(window, model_id))
            if last is not None:
                # Two conditions instead of a row comparison, so that the first can use the index on the time.
                after = sa.or_(table.predicted_at > last.predicted_at, table.transaction_id > last.transaction_id)
                query = query.where(table.predicted_at >= last.predicted_at, after)
            rows = self._rows(query.order_by(table.predicted_at, table.transaction_id).limit(PAGE_ROWS))
            if not rows:
                return
            for version in {row.columns_version for row in rows}:
                if version not in versions:
                    versions[version] = self.columns_of(version)
                yield _page(versions[version], [row for row in rows if row.columns_version == version])
            last = rows[-1]

    def latest_sales(self, model_id: str, limit: int) -> Sequence[Sale]:
        """Return the latest known sales of houses that a model priced."""
        table = REALISED.c
        query = _sales().where(table.model_id == model_id)
        latest = query.order_by(table.month.desc(), table.predicted_at.desc()).limit(limit)
        return [_sale(row) for row in self._rows(latest)]

    def sales(self, window: Window) -> Iterator[Sale]:
        """Yield all known sales of houses that were priced in a window."""
        table = REALISED.c
        bounds = [] if window.start is None else [table.predicted_at >= window.start]
        bounds += [] if window.end is None else [table.predicted_at < window.end]
        with self.stream(_sales().where(*bounds)) as rows:
            for row in rows:
                yield _sale(row)

    def sold_houses(self, window: Window) -> Iterator[SoldHouse]:
        """Yield the houses that were priced in a window and have a known sale price, in order of prediction time.

        A house occurs once per prediction.

        Raises:
            LogError: the log cannot be read, or a row violates the contract.
        """
        versions: dict[int, Sequence[str]] = {}
        table, sale = PREDICTION.c, REALISED.c
        query = (
            sa.select(PREDICTION, sale.sale_price_usd)
            .select_from(PREDICTION.join(REALISED, table.transaction_id == sale.transaction_id))
            .where(*_within(window, None))
            .order_by(table.predicted_at, table.transaction_id)
        )
        with self.stream(query) as rows:
            for row in rows:
                if row.columns_version not in versions:
                    versions[row.columns_version] = self.columns_of(row.columns_version)
                columns = versions[row.columns_version]
                yield SoldHouse(
                    row.transaction_id,
                    (row.key_id, row.house_id),
                    columns,
                    values_of(row.transaction_id, row.inputs, len(columns)),
                    row.sale_price_usd,
                )

    def values(self, window: Window) -> Iterator[LoggedValue]:
        """Yield the values that were made from comparable sales in a window, in order of time.

        Raises:
            LogError: the log cannot be read, its tables are too old for valuations, or a row violates the contract.
        """
        versions: dict[int, Sequence[str]] = {}
        table, valued = PREDICTION.c, VALUATION.c
        query = (
            sa.select(
                *(table.transaction_id, table.columns_version, table.inputs, table.model_id),
                *(valued.value_usd, valued.low_usd, valued.high_usd, valued.comparables_id, valued.sales),
            )
            .select_from(PREDICTION.join(VALUATION, table.transaction_id == valued.transaction_id))
            .where(*_within(window, None), valued.comparables_id.is_not(None))
            .order_by(table.predicted_at, table.transaction_id)
        )
        with self.stream(query) as rows:
            for row in rows:
                if row.columns_version not in versions:
                    versions[row.columns_version] = self.columns_of(row.columns_version)
                columns = versions[row.columns_version]
                yield LoggedValue(
                    row.transaction_id,
                    columns,
                    values_of(row.transaction_id, row.inputs, len(columns)),
                    (row.value_usd, row.low_usd, row.high_usd),
                    row.model_id,
                    row.comparables_id,
                    _sales_of(row),
                )

    @contextmanager
    def stream(self, query: sa.Select[Any]) -> Iterator[Iterable[sa.Row[Any]]]:
        """Run a query and stream its rows while the context is open.

        Raises:
            LogError: the log cannot be read.
        """
        with (
            self._readable(),
            self._engine.connect() as connection,
            connection.execution_options(yield_per=PAGE_ROWS).execute(query) as rows,
        ):
            yield rows

    def columns_of(self, version: int) -> Sequence[str]:
        """Return the column names of a version of the columns.

        Raises:
            LogError: the log has no valid names for this version.
        """
        rows = self._rows(sa.select(COLUMN_NAMES.c.names).where(COLUMN_NAMES.c.version == version))
        try:
            names = orjson.loads(rows[0].names)
        except (IndexError, ValueError) as error:
            raise LogError(f"the log has no valid column names for version {version}") from error
        return [str(name) for name in names]

    def _rows(self, query: sa.Select[Any]) -> Sequence[sa.Row[Any]]:
        with self._readable(), self._engine.connect() as connection:
            return connection.execute(query).all()

    @contextmanager
    def _readable(self) -> Iterator[None]:
        try:
            yield
        # UnicodeError: a text of the command line that is not UTF-8.
        except (SQLAlchemyError, UnicodeError) as error:
            raise LogError(f"{self._name}: cannot be read as a prediction log ({_first_line(error)})") from error


@contextmanager
def open_log(url: str) -> Iterator[PredictionLog]:
    """Open a log for reading.

    Args:
        url: `sqlite:///FILE` or `postgresql://USER:PASSWORD@HOST/DATABASE`.

    Raises:
        LogError: the URL is invalid, the file does not exist, the database's driver is not installed, or the tables
            are not those of a prediction log, or too old.
    """
    engine, name = open_engine(url)
    try:
        log = PredictionLog(engine, name)
        log.check_revision()
        yield log
    finally:
        engine.dispose()


def _within(window: Window, model_id: str | None) -> Sequence[sa.ColumnElement[bool]]:
    table, conditions = PREDICTION.c, []
    if window.start is not None:
        conditions.append(table.predicted_at >= window.start)
    if window.end is not None:
        conditions.append(table.predicted_at < window.end)
    if model_id is not None:
        conditions.append(table.model_id == model_id)
    return conditions


def _sales() -> sa.Select[Any]:
    table = REALISED.c
    return sa.select(
        table.model_version, table.month, table.sale_price_usd, table.price_usd, table.low_usd, table.high_usd
    )


def _page(columns: Sequence[str], rows: Sequence[sa.Row[Any]]) -> Page:
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


def _sale(row: sa.Row[Any]) -> Sale:
    sale = Sale(*tuple(row))
    if not (sale.sold > 0 and sale.price > 0):
        raise LogError(f"invalid sale: sale price {sale.sold}, predicted price {sale.price}")
    return sale


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:300]
