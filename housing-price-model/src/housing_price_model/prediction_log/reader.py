"""Reads the prediction log that the orchestrator writes.

Reader and writer share no code: `docs/prediction-log.md` is the contract, and a test runs this module against the
tables of the orchestrator's migrations.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
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
from housing_price_model.prediction_log.rows import (
    LoggedValue,
    Model,
    Page,
    Sale,
    SoldHouse,
    Window,
    logged_value_of,
    page_of,
    sale_of,
    sold_house_of,
)

PAGE_ROWS: Final = 2_000
"""Maximum number of rows held in memory at a time."""


class PredictionLog:
    """A reader of the log, page by page; it holds no lock between pages."""

    def __init__(self, engine: Engine, name: str) -> None:
        """Create a reader; `name` identifies the log in error messages."""
        self._engine = engine
        self._name = name
        self._columns_of_version: dict[int, Sequence[str]] = {}

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
                yield page_of(self.columns_of(version), [row for row in rows if row.columns_version == version])
            last = rows[-1]

    def latest_sales(self, model_id: str, limit: int) -> Sequence[Sale]:
        """Return the latest known sales of houses that a model priced."""
        table = REALISED.c
        query = _sales().where(table.model_id == model_id)
        latest = query.order_by(table.month.desc(), table.predicted_at.desc()).limit(limit)
        return [sale_of(row) for row in self._rows(latest)]

    def sales(self, window: Window) -> Iterator[Sale]:
        """Yield all known sales of houses that were priced in a window."""
        table = REALISED.c
        bounds = [] if window.start is None else [table.predicted_at >= window.start]
        bounds += [] if window.end is None else [table.predicted_at < window.end]
        with self.stream(_sales().where(*bounds)) as rows:
            for row in rows:
                yield sale_of(row)

    def sold_houses(self, window: Window) -> Iterator[SoldHouse]:
        """Yield the houses that were priced in a window and have a known sale price, in order of prediction time.

        A house occurs once per prediction.

        Raises:
            LogError: the log cannot be read, or a row violates the contract.
        """
        table, sale = PREDICTION.c, REALISED.c
        query = (
            sa.select(PREDICTION, sale.sale_price_usd)
            .select_from(PREDICTION.join(REALISED, table.transaction_id == sale.transaction_id))
            .where(*_within(window, None))
            .order_by(table.predicted_at, table.transaction_id)
        )
        with self.stream(query) as rows:
            for row in rows:
                yield sold_house_of(self.columns_of(row.columns_version), row)

    def values(self, window: Window) -> Iterator[LoggedValue]:
        """Yield the values that were made from comparable sales in a window, in order of time.

        Raises:
            LogError: the log cannot be read, its tables are too old for valuations, or a row violates the contract.
        """
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
                yield logged_value_of(self.columns_of(row.columns_version), row)

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
        """Return the column names of a version of the columns; read once, because a version never changes.

        Raises:
            LogError: the log has no valid names for this version.
        """
        if version in self._columns_of_version:
            return self._columns_of_version[version]
        rows = self._rows(sa.select(COLUMN_NAMES.c.names).where(COLUMN_NAMES.c.version == version))
        try:
            names = orjson.loads(rows[0].names)
        except (IndexError, ValueError) as error:
            raise LogError(f"the log has no valid column names for version {version}") from error
        self._columns_of_version[version] = [str(name) for name in names]
        return self._columns_of_version[version]

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


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:300]
