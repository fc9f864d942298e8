"""Searches by request, by house and by sale price cover all segments of the log."""

import asyncio
import math
import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import datetime
from types import ModuleType
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from housing_price_orchestrator.provider.store.actuals import find_owners, store_actuals
from housing_price_orchestrator.provider.store.database import downgrade, for_writing, open_database, upgrade
from housing_price_orchestrator.provider.store.history import SqlPredictionHistory
from housing_price_orchestrator.provider.store.rows import PREDICTION_LOG, Row
from housing_price_orchestrator.provider.store.tables import (
    prediction,
    prediction_columns,
    prediction_segment,
    realised,
)
from housing_price_orchestrator.provider.store.writer_process import bulk_insert
from housing_price_orchestrator.provider.store.writer_process.bulk_insert import RowWriter
from housing_price_orchestrator.settings import PredictionLogSettings
from housing_price_orchestrator.shared.history import Actual, ActualsResult, LogCaller, LogQuery
from housing_price_platform.jobs.database import sqlite_driver

SEGMENT_ROWS = 100
HOUSES = 70
"""Small enough that every house has predictions in several segments."""
RECEIVED_AT = datetime(2026, 11, 30)  # noqa: DTZ001 - the log's times are UTC without a zone
ANYONE = LogCaller(None, sees_all=True)
"""The caller of every request without authentication."""
KEY = LogCaller("a1b2c3d4", sees_all=False)


@pytest.fixture
def empty(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[sa.Engine]:
    monkeypatch.setattr(bulk_insert, "SEGMENT_ROWS", SEGMENT_ROWS)
    url = sa.make_url(PredictionLogSettings(url=database_url).url)
    engine = open_database(url, wait_seconds=5, connections=2)
    yield engine
    engine.dispose()


@pytest.fixture
def engine(empty: sa.Engine) -> sa.Engine:
    upgrade(empty)
    return empty


def rows_of(numbers: Sequence[int], version: str = "1") -> list[Row]:
    return [
        (
            *(f"{number:032x}", f"2026-11-28 10:00:00.{number:06d}", f"request-{number % 3}", None, number % HOUSES),
            *("housing-price", version, f"model-{version}", 100.0 + number, 1.0, 1e6, "model", "champion", "[]"),
        )
        for number in numbers
    ]


def write(engine: sa.Engine, numbers: Sequence[int], version: str = "1") -> None:
    RowWriter(for_writing(engine), prediction, PREDICTION_LOG.columns, 1).write(rows_of(numbers, version))


def write_log(engine: sa.Engine) -> None:
    """Write several segments with predictions of two model versions."""
    for start in range(0, 500, 50):
        write(engine, range(start, start + 50), version="1" if start < 300 else "2")


def prices_realised(engine: sa.Engine) -> list[tuple[str, float]]:
    columns = (realised.c.transaction_id, realised.c.sale_price_usd)
    with engine.connect() as connection:
        return [(one, price) for one, price in connection.execute(sa.select(*columns).order_by(*columns))]


def report_sales(engine: sa.Engine, **prices: float) -> ActualsResult:
    """Report sale prices of houses (`h1=...`)."""
    actuals = [Actual(None, int(name[1:]), price, None) for name, price in prices.items()]
    with for_writing(engine).begin() as connection:
        return store_actuals(connection, actuals, find_owners(connection, actuals, ANYONE), ANYONE, RECEIVED_AT)


def last_of(house: int, numbers: Sequence[int]) -> str:
    return f"{max(number for number in numbers if number % HOUSES == house):032x}"


def test_all_rows_of_a_transaction_are_in_the_segment_of_the_first(engine: sa.Engine) -> None:
    start = 0
    expected = []
    for count in (60, 60, 1, 250, 5, 3):
        write(engine, range(start, start + count))
        expected += [start // SEGMENT_ROWS if engine.dialect.name == "sqlite" else 0] * count
        start += count
    with engine.connect() as connection:
        found = connection.scalars(sa.select(prediction.c.segment).order_by(prediction.c.transaction_id)).all()
        segments = connection.scalars(sa.select(prediction_segment.c.segment)).all()
    assert found == expected
    assert sorted(segments) == sorted(set(expected))


def test_an_emptied_log_can_be_written_again(engine: sa.Engine) -> None:
    write_log(engine)
    with for_writing(engine).begin() as connection:
        connection.execute(sa.delete(prediction))
    write(engine, range(500, 503))
    assert report_sales(engine, h10=5.0).stored == 1
    assert prices_realised(engine) == [(f"{500:032x}", 5.0)]


def test_a_search_by_request_covers_all_segments(engine: sa.Engine) -> None:
    write_log(engine)
    history = SqlPredictionHistory(engine.url, timeout_seconds=5)

    async def search() -> list[str]:
        async with history:
            return [
                one.transaction_id
                for one in await history.search(LogQuery(limit=1_000, request_id="request-1"), caller=ANYONE)
            ]

    with for_writing(engine).begin() as connection:
        connection.execute(sa.insert(prediction_columns).values(version=1, names="[]"))
    assert asyncio.run(search()) == [f"{number:032x}" for number in reversed(range(1, 500, 3))]


def test_a_sale_price_belongs_to_the_latest_prediction_of_each_version(engine: sa.Engine) -> None:
    write_log(engine)
    result = report_sales(engine, h0=1.0, h9=2.0, h69=3.0, h70=4.0)
    assert (result.stored, result.unknown) == (3, [3])
    assert prices_realised(engine) == sorted(
        (last_of(house, numbers), price)
        for house, price in ((0, 1.0), (9, 2.0), (69, 3.0))
        for numbers in (range(300), range(300, 500))
    )


def test_rows_from_before_segments_are_found_together_with_later_ones(empty: sa.Engine) -> None:
    upgrade(empty, "0002")
    RowWriter(for_writing(empty), sa.Table("prediction", sa.MetaData()), PREDICTION_LOG.columns, 1).write(
        rows_of(range(150))
    )
    upgrade(empty)
    write(empty, range(150, 155), version="2")
    assert report_sales(empty, h10=1.0, h20=2.0).stored == 2
    both = [(f"{80:032x}", 1.0), (f"{90:032x}", 2.0), (f"{150:032x}", 1.0)]
    assert prices_realised(empty) == both
    downgrade(empty, "0002")
    assert prices_realised(empty) == both


type Statements = list[tuple[str, Any]]


@pytest.fixture
def statements() -> Iterator[Statements]:
    """Collects the SQL statements that are executed."""
    executed: Statements = []

    def record(_connection: Any, _cursor: Any, statement: str, values: Any, _context: Any, is_many: bool) -> None:
        if not is_many:
            executed.append((statement, values))

    event.listen(sa.Engine, "before_cursor_execute", record)
    yield executed
    event.remove(sa.Engine, "before_cursor_execute", record)


def plan_of(driver: ModuleType, engine: sa.Engine, statement: str, values: Any) -> list[str]:
    with closing(driver.connect(engine.url.database)) as connection:
        connection.create_function("ln", 1, math.log)
        return [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}", values)]


# Predictions must be looked up by an index: by transaction, or within each segment.
INDEX_LOOKUP = re.compile(
    r"SEARCH \w+ USING .* \("
    r"(transaction_id=\?|segment=\? AND (house_id=\? AND key_id|request_id)=\?|segment>\?"
    r"|key_id=\?( AND predicted_at.*)?)\)"
)
FIRST_SEGMENT_LOOKUP = re.compile("SEARCH prediction USING COVERING INDEX prediction_by_(house|request)")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "driver", dict.fromkeys((sqlite3, sqlite_driver())), ids=lambda one: f"SQLite {one.sqlite_version}"
)
def test_no_query_scans_the_whole_log(engine: sa.Engine, statements: Statements, driver: ModuleType) -> None:
    write_log(engine)
    statements.clear()

    async def run_queries() -> None:
        async with SqlPredictionHistory(engine.url, timeout_seconds=5) as history:
            for caller in (ANYONE, KEY):
                for request in (
                    LogQuery(limit=50, request_id="request-1"),
                    LogQuery(limit=50, request_id="request-1", model_version="1"),
                    LogQuery(limit=50, request_id="request-1", since=RECEIVED_AT, until=RECEIVED_AT),
                ):
                    await history.search(request, caller=caller)
                await history.store_actuals([Actual(None, house, 1.0, None) for house in range(9)], caller=caller)
                await history.store_actuals([Actual(f"{1:032x}", None, 1.0, None)], caller=caller)
                await history.realised_errors(caller=caller)
            await history.search(LogQuery(limit=50), caller=KEY)
            await history.search(LogQuery(limit=50, model_version="1", since=RECEIVED_AT), caller=KEY)

    asyncio.run(run_queries())
    plans = [plan_of(driver, engine, *one) for one in statements if re.search(r"\b(prediction|realised)\b", one[0])]
    assert len(plans) == 14
    for plan in plans:
        steps = [step for step in plan if re.match(r"(SCAN|SEARCH) (prediction|p)\b", step)]
        assert steps
        assert all(INDEX_LOOKUP.fullmatch(step) or FIRST_SEGMENT_LOOKUP.fullmatch(step) for step in steps), steps
