"""The thread that repeats maintenance tasks."""

import threading

import pytest
from sqlalchemy.exc import OperationalError

from housing_price_platform.jobs.maintenance import Task, start_maintenance

WAIT_SECONDS = 10


def test_each_task_runs_at_its_interval() -> None:
    often, once = threading.Semaphore(0), []
    tasks = [Task(often.release), Task(lambda: once.append("run"), interval_seconds=3600)]
    stopped = start_maintenance(tasks, report_failure=lambda _: None, interval_seconds=0.001)
    for _ in range(5):
        assert often.acquire(timeout=WAIT_SECONDS)
    stopped.set()
    assert once == ["run"]


@pytest.mark.parametrize("error", [OSError("disk"), OperationalError("SELECT", {}, Exception("locked"))])
def test_a_failing_task_is_repeated_and_reported_once_until_it_succeeds(error: Exception) -> None:
    outcomes = [None, error, error, error, None, None, error, None]
    reported: list[str] = []
    done = threading.Event()

    def run() -> None:
        if not outcomes:
            done.set()
            return
        outcome = outcomes.pop(0)
        if outcome is not None:
            raise outcome

    stopped = start_maintenance(
        [Task(run)],
        report_failure=lambda failure: reported.append(str(failure)),
        report_recovery=lambda: reported.append("recovered"),
        interval_seconds=0.001,
    )
    assert done.wait(WAIT_SECONDS)
    stopped.set()
    assert reported == [str(error), "recovered"] * 2
