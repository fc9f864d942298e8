"""Queries of the prediction log, run in a few threads with limits on time and on waiting queries."""

import contextlib
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Final, Self

import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection, Row
from sqlalchemy.exc import SQLAlchemyError

from housing_price_orchestrator.provider.database_error import is_caused_by_value
from housing_price_orchestrator.provider.model_server.columns import document_of
from housing_price_orchestrator.provider.store.actuals import find_owners, realised_errors, store_actuals
from housing_price_orchestrator.provider.store.database import for_writing, open_database
from housing_price_orchestrator.provider.store.realised_studies import realised_studies
from housing_price_orchestrator.provider.store.tables import has_segment, prediction, prediction_columns, valuation
from housing_price_orchestrator.shared.errors import PredictionLogUnavailable, ValueUnsupported
from housing_price_orchestrator.shared.history import (
    Actual,
    ActualsResult,
    LogCaller,
    LoggedPrediction,
    LogQuery,
    RealisedError,
    RealisedStudy,
)
from housing_price_orchestrator.shared.ports import ModelIdentity, PriceEstimate, ValuationRecord
from housing_price_platform.database.errors import describe_database_error
from housing_price_platform.database.threads import CallRefused, CallTimedOut, DatabaseThreads

MAX_READS: Final = 2
"""Queries that only read and run concurrently; others wait."""

MAX_WRITES: Final = 1
"""Queries that write and run concurrently; others wait. Reads have threads of their own and never wait for writes."""

MAX_WAITING_QUERIES: Final = 50
"""Reads, and writes, that may wait; more are refused immediately."""

CLOSE_SECONDS: Final = 1.0
"""Time to close the connections when the process stops."""

_WITH_VALUATION: Final = (
    sa.select(
        prediction,
        prediction_columns.c.names,
        *(column.label(f"valuation_{column.name}") for column in valuation.c),
    )
    .join_from(prediction, prediction_columns, prediction.c.columns_version == prediction_columns.c.version)
    .outerjoin(valuation, valuation.c.transaction_id == prediction.c.transaction_id)
)


class SqlPredictionHistory:
    """A `PredictionHistory` on the database that `SqlPredictionLog` writes."""

    def __init__(self, url: URL, *, timeout_seconds: float) -> None:
        """Query the database at `url`, with up to `timeout_seconds` per query."""
        self._timeout_seconds = timeout_seconds
        connections = MAX_READS + MAX_WRITES
        self._engine = open_database(
            url,
            wait_seconds=timeout_seconds,
            statement_seconds=timeout_seconds,
            connections=connections,
            spare_connections=connections,
        )
        self._reads = DatabaseThreads(MAX_READS, max_waiting=MAX_WAITING_QUERIES, name="prediction-history-reads")
        self._writes = DatabaseThreads(MAX_WRITES, max_waiting=MAX_WAITING_QUERIES, name="prediction-history-writes")

    async def __aenter__(self) -> Self:
        """Return the history; the first query opens a connection."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the database, without waiting for queries that hang."""
        with contextlib.suppress(CallTimedOut, CallRefused):
            await self._reads.run(self._engine.dispose, seconds=CLOSE_SECONDS)
        self._reads.close()
        self._writes.close()

    async def find(self, transaction_id: str, /, *, caller: LogCaller) -> LoggedPrediction | None:
        """See `PredictionHistory.find`."""
        query = _WITH_VALUATION.where(prediction.c.transaction_id == transaction_id)
        if not caller.sees_all:
            query = query.where(prediction.c.key_id == caller.key_id)
        found = await self._query(lambda connection: connection.execute(query).one_or_none())
        return None if found is None else _logged(found)

    async def search(self, query: LogQuery, /, *, caller: LogCaller) -> Sequence[LoggedPrediction]:
        """See `PredictionHistory.search`."""
        statement = _statement(query, caller)
        return await self._query(lambda connection: [_logged(row) for row in connection.execute(statement)])

    async def store_actuals(self, actuals: Sequence[Actual], *, caller: LogCaller) -> ActualsResult:
        """See `PredictionHistory.store_actuals`."""
        now = datetime.now(UTC).replace(tzinfo=None)
        owners = await self._query(lambda connection: find_owners(connection, actuals, caller))
        return await self._query(
            lambda connection: store_actuals(connection, actuals, owners, caller, now), writes=True
        )

    async def realised_errors(self, *, caller: LogCaller) -> Sequence[RealisedError]:
        """See `PredictionHistory.realised_errors`."""
        return await self._query(lambda connection: realised_errors(connection, caller))

    async def realised_studies(self, *, caller: LogCaller) -> Sequence[RealisedStudy]:
        """See `PredictionHistory.realised_studies`."""
        return await self._query(lambda connection: realised_studies(connection, caller))

    async def _query[T](self, query: Callable[[Connection], T], *, writes: bool = False) -> T:
        threads, engine = (self._writes, for_writing(self._engine)) if writes else (self._reads, self._engine)

        def run() -> T:
            with engine.begin() as connection:
                return query(connection)

        try:
            return await threads.run(run, seconds=self._timeout_seconds)
        except (SQLAlchemyError, UnicodeError, OverflowError) as error:
            kind = ValueUnsupported if is_caused_by_value(error) else PredictionLogUnavailable
            raise kind(describe_database_error(error)) from error
        except (CallRefused, CallTimedOut) as error:
            raise PredictionLogUnavailable(str(error)) from error


def _statement(query: LogQuery, caller: LogCaller) -> sa.Select[Any]:
    table = prediction.c
    statement = _WITH_VALUATION.order_by(table.predicted_at.desc(), table.transaction_id.desc()).limit(query.limit)
    # An expression instead of a column keeps SQLite off the index of this column: the index of a condition before it
    # matches far fewer rows.
    key_id: sa.ColumnElement[str | None] = table.key_id
    model_version: sa.ColumnElement[str] = table.model_version
    if query.request_id is not None:
        statement = statement.where(has_segment, table.request_id == query.request_id)
        key_id, model_version = key_id.concat(""), model_version.concat("")
    if not caller.sees_all:
        statement = statement.where(key_id == caller.key_id)
        model_version = model_version.concat("")
    if query.model_version is not None:
        statement = statement.where(model_version == query.model_version)
    if query.since is not None:
        statement = statement.where(table.predicted_at >= _utc_without_zone(query.since))
    if query.until is not None:
        statement = statement.where(table.predicted_at < _utc_without_zone(query.until))
    if query.after is not None:
        at = _utc_without_zone(query.after.predicted_at)
        is_older = sa.and_(table.predicted_at == at, table.transaction_id < query.after.transaction_id)
        statement = statement.where(table.predicted_at <= at, sa.or_(table.predicted_at < at, is_older))
    return statement


def _utc_without_zone(time: datetime) -> datetime:
    try:
        return time.astimezone(UTC).replace(tzinfo=None)
    except OverflowError:
        # The first and last representable days overflow in some time zones.
        return time.replace(tzinfo=None)


def _logged(row: Row[Any]) -> LoggedPrediction:
    return LoggedPrediction(
        transaction_id=row.transaction_id,
        predicted_at=row.predicted_at.replace(tzinfo=UTC),
        request_id=row.request_id,
        key_id=row.key_id,
        house=document_of(row.house_id, json.loads(row.names), json.loads(row.inputs)),
        estimate=PriceEstimate(
            row.price_usd, row.low_usd, row.high_usd, ModelIdentity(row.model_name, row.model_version, row.model_id)
        ),
        source=row.source,
        variant=row.variant,
        valuation=None if row.valuation_transaction_id is None else _logged_valuation(row),
    )


def _logged_valuation(row: Row[Any]) -> ValuationRecord:
    comparables = None
    if row.valuation_comparables_id is not None:
        comparables = ModelIdentity(
            row.valuation_comparables_name, row.valuation_comparables_version, row.valuation_comparables_id
        )
    return ValuationRecord(
        method=row.valuation_method,
        value_usd=row.valuation_value_usd,
        low_usd=row.valuation_low_usd,
        high_usd=row.valuation_high_usd,
        confidence=row.valuation_confidence,
        parts=tuple(json.loads(row.valuation_parts)),
        problems=json.loads(row.valuation_problems),
        comparables=comparables,
        sales=tuple(json.loads(row.valuation_sales)),
    )
