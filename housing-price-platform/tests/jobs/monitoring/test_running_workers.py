from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine, make_url

from housing_price_platform.jobs.database import worker_engine
from housing_price_platform.jobs.monitoring.running_workers import (
    FORGET_SECONDS,
    SILENT_SECONDS,
    WorkerCounts,
    WorkerReport,
    count_workers,
)

NOW = 1_800_000_000.0


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    url = make_url(database_url.replace("postgresql://", "postgresql+psycopg://"))
    engine = worker_engine(url, connections=2, wait_seconds=0.2)
    if engine.dialect.name != "sqlite":
        # DBOS creates its schema when a worker starts.
        with engine.begin() as connection:
            connection.execute(sa.schema.CreateSchema("dbos"))
    yield engine
    engine.dispose()


def reports(engine: Engine) -> sa.TableClause:
    columns: list[sa.ColumnClause[Any]] = [sa.column(name) for name in ("queue", "name", "reported_at")]
    return sa.table("housing_price_workers", *columns, schema=None if engine.dialect.name == "sqlite" else "dbos")


def report(engine: Engine, queue: str, name: str, at: float = NOW) -> WorkerReport:
    sent = WorkerReport(engine, queue, name, clock=lambda: at)
    sent.send()
    return sent


def test_a_database_without_reports_has_no_workers(engine: Engine) -> None:
    assert count_workers(engine, now=NOW) == {}


def test_workers_are_counted_by_queue(engine: Engine) -> None:
    for queue, name in (("scoring", "a"), ("scoring", "b"), ("training", "a")):
        report(engine, queue, name).send()
    assert count_workers(engine, now=NOW + SILENT_SECONDS) == {
        "scoring": WorkerCounts(2, 0),
        "training": WorkerCounts(1, 0),
    }


def test_a_silent_worker_counts_as_stopped_until_it_reports_again(engine: Engine) -> None:
    report(engine, "scoring", "a")
    report(engine, "scoring", "b", NOW + 30)
    later = NOW + SILENT_SECONDS + 1
    assert count_workers(engine, now=later) == {"scoring": WorkerCounts(1, 1)}
    report(engine, "scoring", "a", later)
    assert count_workers(engine, now=later) == {"scoring": WorkerCounts(2, 0)}


def test_a_worker_that_was_told_to_stop_has_no_report(engine: Engine) -> None:
    sent = report(engine, "scoring", "a")
    report(engine, "training", "a")
    sent.withdraw()
    assert count_workers(engine, now=NOW) == {"training": WorkerCounts(1, 0)}


def test_a_worker_is_forgotten_after_a_day(engine: Engine) -> None:
    report(engine, "scoring", "old")
    report(engine, "training", "old")
    later = NOW + FORGET_SECONDS + 1
    assert count_workers(engine, now=later) == {}
    report(engine, "scoring", "new", later)
    with engine.connect() as connection:
        rows = connection.execute(sa.select(reports(engine))).all()
    assert sorted((row.queue, row.name) for row in rows) == [("scoring", "new"), ("training", "old")]


def test_a_locked_database_does_not_keep_a_worker_from_stopping(engine: Engine) -> None:
    sent = report(engine, "scoring", "a")
    with engine.begin() as locking:
        locking.execute(sa.update(reports(engine)).values(reported_at=0))
        sent.withdraw()
    assert set(count_workers(engine, now=NOW)) <= {"scoring"}


def test_the_task_repeats_the_report(engine: Engine) -> None:
    task = WorkerReport(engine, "scoring", "a").task
    assert 0 < task.interval_seconds * 3 < SILENT_SECONDS
    task.run()
    with engine.connect() as connection:
        assert len(connection.execute(sa.select(reports(engine))).all()) == 1
