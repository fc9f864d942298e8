"""A value that a database cannot process is not an unavailable database."""

import asyncio
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from housing_price_orchestrator.provider.database_error import is_caused_by_value
from housing_price_orchestrator.provider.store.database import open_database, upgrade
from housing_price_orchestrator.provider.store.history import SqlPredictionHistory
from housing_price_orchestrator.settings import PredictionLogSettings
from housing_price_orchestrator.shared.errors import PredictionLogUnavailable, ValueUnsupported
from housing_price_orchestrator.shared.history import Actual, LogCaller, LogQuery

ANYONE = LogCaller(None, sees_all=True)


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    engine = open_database(sa.make_url(PredictionLogSettings(url=database_url).url), wait_seconds=5)
    yield engine
    engine.dispose()


@pytest.mark.parametrize(
    "text", ["a\0b", "\ud800", "'", "%", "\\", "\x1b[2J", "x" * 100_000], ids=lambda text: ascii(text)[:9]
)
def test_any_text_is_looked_up_or_unsupported(engine: sa.Engine, text: str) -> None:
    upgrade(engine)

    async def look_up() -> None:
        async with SqlPredictionHistory(engine.url, timeout_seconds=5) as history:
            for caller in (ANYONE, LogCaller(text, sees_all=False)):
                for query in (LogQuery(limit=1, request_id=text), LogQuery(limit=1, model_version=text)):
                    try:
                        assert await history.search(query, caller=caller) == []
                    except ValueUnsupported:
                        assert not text.isprintable()
                try:
                    assert await history.find(text, caller=caller) is None
                    stored = await history.store_actuals([Actual(text, None, 1.0, None)], caller=caller)
                    assert stored.unknown == [0]
                except ValueUnsupported:
                    assert not text.isprintable()

    asyncio.run(look_up())


@pytest.mark.parametrize("house_id", [2**63, 2**64, -(2**63) - 1, 10**400])
def test_any_house_id_is_looked_up_or_unsupported(engine: sa.Engine, house_id: int) -> None:
    upgrade(engine)

    async def report() -> None:
        async with SqlPredictionHistory(engine.url, timeout_seconds=5) as history:
            try:
                stored = await history.store_actuals([Actual(None, house_id, 1.0, None)], caller=ANYONE)
                assert stored.unknown == [0]
            except ValueUnsupported:
                pass

    asyncio.run(report())


def test_missing_tables_are_an_unavailable_log(engine: sa.Engine) -> None:
    async def find() -> None:
        async with SqlPredictionHistory(engine.url, timeout_seconds=5) as history:
            await history.find("0" * 32, caller=ANYONE)

    with pytest.raises(PredictionLogUnavailable):
        asyncio.run(find())


def test_errors_of_connections_and_locks_are_not_caused_by_values() -> None:
    for error in (sa.exc.OperationalError("SELECT 1", {}, Exception("locked")), sa.exc.TimeoutError(), OSError()):
        assert not is_caused_by_value(error)
