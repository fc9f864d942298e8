"""A log in segments is found as a whole: by request, by house, and in what its houses were sold for."""

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
from alembic import command
from alembic.config import Config
from sqlalchemy import event

from housing_price_orchestrator.provider.jobs.database import sqlite_driver
from housing_price_orchestrator.provider.store.actuals import find_logged_keys, store_actuals
from housing_price_orchestrator.provider.store.database import MIGRATIONS, for_writing, open_database, upgrade
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
from housing_price_orchestrator.shared.history import Actual, ActualsResult, LogQuery

SEGMENT_ROWS = 100
HOUSES = 70
"""Each house is priced in several segments."""
RECEIVED_AT = datetime(2026, 11, 30)  # noqa: DTZ001 - the log's times are UTC without a zone


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
    """Several segments by two versions of a model."""
    for start in range(0, 500, 50):
        write(engine, range(start, start + 50), version="1" if start < 300 else "2")


def prices_realised(engine: sa.Engine) -> list[tuple[str, float]]:
    columns = (realised.c.transaction_id, realised.c.sale_price_usd)
    with engine.connect() as connection:
        return [(one, price) for one, price in connection.execute(sa.select(*columns).order_by(*columns))]


def tell(engine: sa.Engine, **prices: float) -> ActualsResult:
    """Tell what houses (`h1=...`) were sold for."""
    told = [Actual(None, int(name[1:]), price, None) for name, price in prices.items()]
    with for_writing(engine).begin() as connection:
        return store_actuals(connection, told, find_logged_keys(connection, told), None, RECEIVED_AT)


def downgrade(engine: sa.Engine, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with for_writing(engine).begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, revision)


def last_of(house: int, numbers: Sequence[int]) -> str:
    return f"{max(number for number in numbers if number % HOUSES == house):032x}"


def test_a_transaction_is_written_where_its_first_row_belongs(engine: sa.Engine) -> None:
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


def test_a_log_that_was_emptied_is_written_on(engine: sa.Engine) -> None:
    write_log(engine)
    with for_writing(engine).begin() as connection:
        connection.execute(sa.delete(prediction))
    write(engine, range(500, 503))
    assert tell(engine, h10=5.0).stored == 1
    assert prices_realised(engine) == [(f"{500:032x}", 5.0)]


def test_a_request_is_found_in_all_segments(engine: sa.Engine) -> None:
    write_log(engine)
    asked = SqlPredictionHistory(engine.url, timeout_seconds=5)

    async def search() -> list[str]:
        async with asked:
            return [one.transaction_id for one in await asked.search(LogQuery(limit=1_000, request_id="request-1"))]

    with for_writing(engine).begin() as connection:
        connection.execute(sa.insert(prediction_columns).values(version=1, names="[]"))
    assert asyncio.run(search()) == [f"{number:032x}" for number in reversed(range(1, 500, 3))]


def test_a_house_is_sold_as_the_last_that_each_version_said_of_it(engine: sa.Engine) -> None:
    write_log(engine)
    taken = tell(engine, h0=1.0, h9=2.0, h69=3.0, h70=4.0)
    assert (taken.stored, taken.unknown) == (3, [3])
    assert prices_realised(engine) == sorted(
        (last_of(house, numbers), price)
        for house, price in ((0, 1.0), (9, 2.0), (69, 3.0))
        for numbers in (range(300), range(300, 500))
    )


def test_a_log_of_before_there_were_segments_is_found_with_what_came_later(empty: sa.Engine) -> None:
    upgrade(empty, "0002")
    RowWriter(for_writing(empty), sa.Table("prediction", sa.MetaData()), PREDICTION_LOG.columns, 1).write(
        rows_of(range(150))
    )
    upgrade(empty)
    write(empty, range(150, 155), version="2")
    assert tell(empty, h10=1.0, h20=2.0).stored == 2
    both = [(f"{80:032x}", 1.0), (f"{90:032x}", 2.0), (f"{150:032x}", 1.0)]
    assert prices_realised(empty) == both
    downgrade(empty, "0002")
    assert prices_realised(empty) == both


type Statements = list[tuple[str, Any]]


@pytest.fixture
def statements() -> Iterator[Statements]:
    """What databases are asked."""
    heard: Statements = []

    def hear(_connection: Any, _cursor: Any, statement: str, values: Any, _context: Any, is_many: bool) -> None:
        if not is_many:
            heard.append((statement, values))

    event.listen(sa.Engine, "before_cursor_execute", hear)
    yield heard
    event.remove(sa.Engine, "before_cursor_execute", hear)


def plan_of(driver: ModuleType, engine: sa.Engine, statement: str, values: Any) -> list[str]:
    with closing(driver.connect(engine.url.database)) as connection:
        connection.create_function("ln", 1, math.log)
        return [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}", values)]


# What there is of predictions is looked up: by a transaction, or in each segment.
LOOKED_UP = re.compile(r"SEARCH \w+ USING .* \((transaction_id=\?|segment=\? AND (house|request)_id=\?|segment>\?)\)")
THE_FIRST_SEGMENT = "SEARCH prediction USING COVERING INDEX prediction_by_house"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "driver", dict.fromkeys((sqlite3, sqlite_driver())), ids=lambda one: f"SQLite {one.sqlite_version}"
)
def test_nobody_reads_all_of_the_log(engine: sa.Engine, statements: Statements, driver: ModuleType) -> None:
    write_log(engine)
    statements.clear()

    async def ask() -> None:
        async with SqlPredictionHistory(engine.url, timeout_seconds=5) as asked:
            await asked.search(LogQuery(limit=50, request_id="request-1"))
            await asked.search(LogQuery(limit=50, request_id="request-1", model_version="1"))
            await asked.search(LogQuery(limit=50, request_id="request-1", since=RECEIVED_AT, until=RECEIVED_AT))
            await asked.store_actuals([Actual(None, house, 1.0, None) for house in range(9)], key_id=None)
            await asked.store_actuals([Actual(f"{1:032x}", None, 1.0, None)], key_id=None)
            await asked.realised_errors()

    asyncio.run(ask())
    plans = [plan_of(driver, engine, *one) for one in statements if re.search(r"\b(prediction|realised)\b", one[0])]
    assert len(plans) == 6
    for plan in plans:
        steps = [step for step in plan if re.match(r"(SCAN|SEARCH) (prediction|p)\b", step)]
        assert steps
        assert all(LOOKED_UP.fullmatch(step) or step == THE_FIRST_SEGMENT for step in steps), steps
