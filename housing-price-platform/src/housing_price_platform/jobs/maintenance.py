"""Repeats maintenance tasks of a worker, such as recovery and retention, in a thread."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from dbos import error as dbos_error
from sqlalchemy.exc import SQLAlchemyError

INTERVAL_SECONDS: Final = 2.0
"""Interval between rounds. The first round starts this long after the worker."""


@dataclass(frozen=True)
class Task:
    """A task that is repeated."""

    run: Callable[[], object]
    """The task."""
    interval_seconds: float = 0.0
    """Minimum time between two runs; 0 runs it in each round."""


def start_maintenance(
    tasks: Sequence[Task],
    *,
    report_failure: Callable[[Exception], object],
    report_recovery: Callable[[], object] = lambda: None,
    interval_seconds: float = INTERVAL_SECONDS,
) -> threading.Event:
    """Start a thread that runs each task whenever it is due, until the process ends or the returned event is set.

    A database or file error is usually transient, and the next run tries again. The first error of a task is passed to
    `report_failure`; further ones are not, until the task has succeeded, which calls `report_recovery`.
    """
    stopped = threading.Event()

    def repeat() -> None:
        last_run = [float("-inf")] * len(tasks)
        failing: set[int] = set()
        while not stopped.wait(interval_seconds):
            for number, task in enumerate(tasks):
                now = time.monotonic()
                if now - last_run[number] < task.interval_seconds:
                    continue
                last_run[number] = now
                try:
                    task.run()
                except (SQLAlchemyError, dbos_error.DBOSException, OSError) as error:
                    if number not in failing:
                        failing.add(number)
                        report_failure(error)
                else:
                    if number in failing:
                        failing.remove(number)
                        report_recovery()

    threading.Thread(target=repeat, name="job-maintenance", daemon=True).start()
    return stopped
