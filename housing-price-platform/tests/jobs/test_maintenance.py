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
def test_a_failed_task_is_reported_and_runs_again(error: Exception) -> None:
    runs = threading.Semaphore(0)
    reported: list[Exception] = []

    def fail() -> None:
        runs.release()
        raise error

    stopped = start_maintenance([Task(fail)], report_failure=reported.append, interval_seconds=0.001)
    for _ in range(2):
        assert runs.acquire(timeout=WAIT_SECONDS)
    stopped.set()
    assert reported[0] is error
