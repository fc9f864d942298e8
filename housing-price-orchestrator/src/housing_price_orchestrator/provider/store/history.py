"""Asks the database of the prediction log, in threads of its own and within limits of time and number."""

import asyncio
import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection, Row
from sqlalchemy.exc import SQLAlchemyError

from housing_price_orchestrator.provider.model_server.columns import document_of
from housing_price_orchestrator.provider.store.actuals import keep_actuals, logged_among, realised_errors
from housing_price_orchestrator.provider.store.database import open_database, writing
from housing_price_orchestrator.provider.store.tables import is_in_a_segment, prediction, prediction_columns
from housing_price_orchestrator.shared.errors import PredictionLogUnavailable
from housing_price_orchestrator.shared.history import (
    Actual,
    ActualsTaken,
    LoggedPrediction,
    LogQuery,
    RealisedError,
)
from housing_price_orchestrator.shared.ports import ModelIdentity, PriceEstimate

THREADS = 2
"""Questions that are asked at a time; the others wait."""

MAX_WAITING = 50
"""Questions that may wait; what comes on top is refused at once."""

_WITH_NAMES = sa.select(prediction, prediction_columns.c.names).join_from(
    prediction, prediction_columns, prediction.c.columns_version == prediction_columns.c.version
)


class SqlPredictionHistory:
    """A `PredictionHistory` in the database that `SqlPredictionLog` writes to."""

    def __init__(self, url: URL, *, limit_seconds: float) -> None:
        """Ask the database at `url`, for up to `limit_seconds` a question."""
        self._limit_seconds = limit_seconds
        self._engine = open_database(
            url, wait_seconds=limit_seconds, statement_seconds=limit_seconds, connections=THREADS
        )
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="prediction-history")
        self._asked = 0

    async def __aenter__(self) -> Self:
        """Nothing is connected to before the first question."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let go of the database; a question that is still being asked comes to its end by its limit of time."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._engine.dispose()

    async def find(self, transaction_id: str, /) -> LoggedPrediction | None:
        """See `PredictionHistory.find`."""
        query = _WITH_NAMES.where(prediction.c.transaction_id == transaction_id)
        found = await self._ask(lambda connection: connection.execute(query).one_or_none())
        return None if found is None else _logged(found)

    async def search(self, query: LogQuery, /) -> Sequence[LoggedPrediction]:
        """See `PredictionHistory.search`."""
        statement = _statement(query)
        return await self._ask(lambda connection: [_logged(row) for row in connection.execute(statement)])

    async def take(self, actuals: Sequence[Actual], *, key_id: str | None) -> ActualsTaken:
        """See `PredictionHistory.take`."""
        now = datetime.now(UTC).replace(tzinfo=None)
        known = await self._ask(lambda connection: logged_among(connection, actuals))
        return await self._ask(lambda connection: keep_actuals(connection, actuals, known, key_id, now), writes=True)

    async def realised_errors(self) -> Sequence[RealisedError]:
        """See `PredictionHistory.realised_errors`."""
        return await self._ask(realised_errors)

    async def _ask[T](self, question: Callable[[Connection], T], *, writes: bool = False) -> T:
        if self._asked >= THREADS + MAX_WAITING:
            raise PredictionLogUnavailable("too many questions wait for the database")
        engine = writing(self._engine) if writes else self._engine

        def ask() -> T:
            with engine.begin() as connection:
                return question(connection)

        self._asked += 1
        try:
            async with asyncio.timeout(2 * self._limit_seconds):
                return await asyncio.get_running_loop().run_in_executor(self._threads, ask)
        except SQLAlchemyError as error:
            # In the driver's words: SQLAlchemy's hold the statement and its values.
            reason = getattr(error, "orig", None) or error
            raise PredictionLogUnavailable(f"{type(error).__name__}: {reason}"[:500]) from error
        except TimeoutError as error:
            raise PredictionLogUnavailable(f"no answer within {2 * self._limit_seconds} s") from error
        finally:
            self._asked -= 1


def _statement(query: LogQuery) -> sa.Select[Any]:
    table = prediction.c
    statement = _WITH_NAMES.order_by(table.predicted_at.desc(), table.transaction_id.desc()).limit(query.limit)
    model_version: sa.ColumnElement[str] = table.model_version
    if query.request_id is not None:
        statement = statement.where(is_in_a_segment, table.request_id == query.request_id)
        # No column any more: SQLite would rather read all rows of a version than those of a request.
        model_version = model_version.concat("")
    if query.model_version is not None:
        statement = statement.where(model_version == query.model_version)
    if query.since is not None:
        statement = statement.where(table.predicted_at >= _stored(query.since))
    if query.until is not None:
        statement = statement.where(table.predicted_at < _stored(query.until))
    if query.after is not None:
        at = _stored(query.after.predicted_at)
        is_older = sa.and_(table.predicted_at == at, table.transaction_id < query.after.transaction_id)
        statement = statement.where(table.predicted_at <= at, sa.or_(table.predicted_at < at, is_older))
    return statement


def _stored(time: datetime) -> datetime:
    try:
        return time.astimezone(UTC).replace(tzinfo=None)
    except OverflowError:
        # The first and the last day there are have no time in some other zones.
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
    )
