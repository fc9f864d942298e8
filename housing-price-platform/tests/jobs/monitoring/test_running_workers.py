from collections.abc import Iterator
from pathlib import Path

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
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = worker_engine(make_url(f"sqlite:///{tmp_path}/jobs.db"), connections=2, wait_seconds=0.2)
    yield engine
    engine.dispose()


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
        names = connection.execute(sa.text("select queue, name from housing_price_workers order by queue")).all()
    assert [tuple(row) for row in names] == [("scoring", "new"), ("training", "old")]


def test_a_locked_database_does_not_keep_a_worker_from_stopping(engine: Engine) -> None:
    sent = report(engine, "scoring", "a")
    with engine.begin() as locking:
        locking.execute(sa.text("update housing_price_workers set reported_at = 0"))
        sent.withdraw()
    assert set(count_workers(engine, now=NOW)) <= {"scoring"}


def test_the_task_repeats_the_report(engine: Engine) -> None:
    task = WorkerReport(engine, "scoring", "a").task
    assert 0 < task.interval_seconds * 3 < SILENT_SECONDS
    task.run()
    with engine.connect() as connection:
        assert connection.execute(sa.text("select count(*) from housing_price_workers")).scalar() == 1
