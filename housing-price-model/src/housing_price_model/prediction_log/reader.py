"""Reads the prediction log that the orchestrator writes.

The two share no code: `docs/prediction-log.md` is the contract, and a test holds this module against the tables that
the orchestrator's migrations make.
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
from housing_price_model.prediction_log.database import COLUMN_NAMES, PREDICTION, REALISED, open_engine

PAGE_ROWS: Final = 2_000
"""So many rows are held at a time."""


@dataclass(frozen=True)
class Window:
    """A time in which prices were answered, from `start` up to, but not including, `end`; UTC without a zone."""

    start: datetime | None = None
    end: datetime | None = None

    def __str__(self) -> str:
        ends = [f"{word} {at:%Y-%m-%d %H:%M:%S} UTC" for word, at in (("from", self.start), ("to", self.end)) if at]
        return " ".join(ends) or "all of the log"


@dataclass(frozen=True)
class Model:
    """A model that made prices, and how many of them."""

    model_id: str
    name: str
    version: str
    rows: int


@dataclass(frozen=True)
class Page:
    """Logged rows, all with the same columns.

    Attributes:
        columns: What the values of a row are called.
        rows: The values that the model got; None where there was none.
        estimates: `price`, `low` and `high` of each, in US dollars.
        transactions: The id of each.
        model_ids: The model that made each.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]
    estimates: Sequence[tuple[float, float, float]]
    transactions: Sequence[str]
    model_ids: Sequence[str]


@dataclass(frozen=True)
class Sale:
    """What a house was sold for, beside what was said of it; in US dollars."""

    model_version: str
    month: str
    sold: float
    price: float
    low: float
    high: float


@dataclass(frozen=True)
class SoldHouse:
    """A house that was priced and has been sold since.

    Attributes:
        transaction: The prediction that the sale belongs to.
        house: Whose house it is, by the API key, and the caller's own number for it.
        columns: What the values are called.
        values: What the model got; None where there was nothing.
        sold: What was paid, in US dollars.
    """

    transaction: str
    house: tuple[str | None, int]
    columns: Sequence[str]
    values: Sequence[Any]
    sold: float


class PredictionLog:
    """The log, to be read page by page; nothing is locked between pages."""

    def __init__(self, engine: Engine, name: str) -> None:
        """Read through an engine; `name` is what errors call the log."""
        self._engine = engine
        self._name = name

    def models(self, window: Window, model_id: str | None = None) -> Sequence[Model]:
        """Count the rows of each model, most first."""
        table, count = PREDICTION.c, sa.func.count()
        query = (
            sa.select(table.model_id, sa.func.max(table.model_name), sa.func.max(table.model_version), count)
            .where(*_within(window, model_id))
            .group_by(table.model_id)
            .order_by(count.desc(), table.model_id)
        )
        return [Model(*tuple(row)) for row in self._rows(query)]

    def pages(self, window: Window, model_id: str | None = None) -> Iterator[Page]:
        """Give all rows in the order of their time, `PAGE_ROWS` at a time at the most.

        Raises:
            LogError: the log cannot be read, or a row is not what the contract says.
        """
        versions: dict[int, Sequence[str]] = {}
        table, last = PREDICTION.c, None
        while True:
            query = sa.select(PREDICTION).where(*_within(window, model_id))
            if last is not None:
                # Two conditions and no pair of values: the first alone can use the index on the time.
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
        """Give the latest known sale prices of houses that a model priced."""
        table = REALISED.c
        query = _sales().where(table.model_id == model_id)
        latest = query.order_by(table.month.desc(), table.predicted_at.desc()).limit(limit)
        return [_sale(row) for row in self._rows(latest)]

    def sales(self, window: Window) -> Iterator[Sale]:
        """Give all known sale prices of houses that were priced in a window."""
        table = REALISED.c
        bounds = [] if window.start is None else [table.predicted_at >= window.start]
        bounds += [] if window.end is None else [table.predicted_at < window.end]
        with self.stream(_sales().where(*bounds)) as rows:
            for row in rows:
                yield _sale(row)

    def sold_houses(self, window: Window) -> Iterator[SoldHouse]:
        """Give the houses that were priced in a window and sold since, in the order of their prices' time.

        A house that several predictions were made for comes as often.

        Raises:
            LogError: the log cannot be read, or a row is not what the contract says.
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

    @contextmanager
    def stream(self, query: sa.Select[Any]) -> Iterator[Iterable[sa.Row[Any]]]:
        """Ask; gives the rows, few of which are held at a time, until it is left.

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
        """Tell what the values of a row with this version of the columns are called.

        Raises:
            LogError: the log does not say.
        """
        rows = self._rows(sa.select(COLUMN_NAMES.c.names).where(COLUMN_NAMES.c.version == version))
        try:
            names = orjson.loads(rows[0].names)
        except (IndexError, ValueError) as exc:
            raise LogError(f"the log does not say what the columns of version {version} are called") from exc
        return [str(name) for name in names]

    def _rows(self, query: sa.Select[Any]) -> Sequence[sa.Row[Any]]:
        with self._readable(), self._engine.connect() as connection:
            return connection.execute(query).all()

    @contextmanager
    def _readable(self) -> Iterator[None]:
        try:
            yield
        except SQLAlchemyError as exc:
            raise LogError(f"{self._name}: cannot be read as a prediction log ({_first_line(exc)})") from exc


@contextmanager
def opened(url: str) -> Iterator[PredictionLog]:
    """Open a log for reading.

    Args:
        url: `sqlite:///FILE` or `postgresql://USER:PASSWORD@HOST/DATABASE`.

    Raises:
        LogError: it is no such URL, there is no such file, or the database's driver is not installed.
    """
    engine, name = open_engine(url)
    try:
        yield PredictionLog(engine, name)
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
    """Read the inputs of a row, of which there are `count`.

    Raises:
        LogError: they are something else.
    """
    try:
        values = orjson.loads(inputs)
    except ValueError as exc:
        raise LogError(f"{transaction_id}: its inputs are no JSON") from exc
    if not isinstance(values, list) or len(values) != count:
        raise LogError(f"{transaction_id}: its inputs are not a list of {count} values")
    return values


def _estimate(row: sa.Row[Any]) -> tuple[float, float, float]:
    price, low, high = row.price_usd, row.low_usd, row.high_usd
    if not (price > 0 and 0 < low <= high):
        raise LogError(f"{row.transaction_id}: {low}, {price}, {high} is no price with its interval")
    return price, low, high


def _sale(row: sa.Row[Any]) -> Sale:
    sale = Sale(*tuple(row))
    if not (sale.sold > 0 and sale.price > 0):
        raise LogError(f"a house was sold for {sale.sold} and priced at {sale.price}: these are no prices")
    return sale


def _first_line(exc: Exception) -> str:
    return str(exc).strip().splitlines()[0][:300]
