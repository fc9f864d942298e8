"""The main loop that all workers share: one process per name, one DBOS application, one queue, until a signal."""

import os
import re
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from types import FrameType
from typing import Final

import structlog
from dbos import DBOS
from sqlalchemy.engine import Engine
from sqlalchemy.exc import SQLAlchemyError

from housing_price_model.errors import JobsError
from housing_price_platform.database.errors import describe_database_error
from housing_price_platform.jobs.launch import WorkerQueue, launch_worker
from housing_price_platform.jobs.maintenance import Task, start_maintenance
from housing_price_platform.jobs.monitoring.running_workers import WorkerReport
from housing_price_platform.jobs.recover_jobs import recover_jobs
from housing_price_platform.jobs.worker_lock import NAME_RULE, WorkerLocks, WorkerNameTaken, is_worker_name
from housing_price_platform.output.log_output import keep_running_without_log
from housing_price_platform.quick_exit import skip_final_garbage_collection

_log: structlog.typing.FilteringBoundLogger = structlog.get_logger()

JOB_ID: Final = re.compile("[0-9A-Za-z][0-9A-Za-z._:+-]{0,199}")
"""Pattern of a job id, which becomes the name of a folder."""

_STOP_POLL_SECONDS: Final = 0.1
"""Interval at which a starting worker looks for a signal to stop."""


def work(
    engine: Engine,
    name: str,
    folder: Path,
    queue: WorkerQueue,
    declare: Callable[[], Callable[[], object]],
    *,
    tasks: Sequence[Task] = (),
) -> None:
    """Run jobs until SIGTERM or SIGINT; an unfinished job resumes at the next start.

    Args:
        engine: The jobs database.
        name: This worker's name; keep it the same at each start, so that the worker resumes its own jobs.
        folder: The working folder; only one worker of this name may use it.
        queue: The queue to take jobs from.
        declare: Registers the workflows before DBOS starts; returns a function to call once the database is open.
        tasks: Maintenance tasks to repeat, in addition to the recovery of dead workers' jobs.

    Raises:
        JobsError: a worker of this name is already running, or the database cannot be used.
    """
    skip_final_garbage_collection()
    keep_running_without_log()
    end = Event()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        end.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    # The prefix keeps the locks apart from the other files of the folder.
    locks = WorkerLocks(folder, prefix=".")
    report = WorkerReport(engine, queue.name, name)

    def recover() -> None:
        recover_jobs(locks, own_name=name, application=queue.application, report=_log_recovery)

    def start() -> None:
        launch_worker(engine, name, queue, declare, report_waiting=_log_waiting)()
        maintenance = [report.task, Task(recover), *tasks]
        start_maintenance(
            maintenance, report_failure=_log_failed_maintenance, report_recovery=_log_recovered_maintenance
        )
        # The only line on standard output: programs that start a worker wait for it.
        ready = structlog.wrap_logger(structlog.WriteLogger(sys.stdout))
        ready.info(f"worker {name} takes jobs from the queue {queue.name}", worker=name, queue=queue.name)

    with _hold_name(locks, folder, name):
        try:
            _run_until(end, start)
        except SQLAlchemyError as error:
            raise JobsError(f"the jobs database cannot be used ({describe_database_error(error)})") from error
        end.wait()
        report.withdraw()
        # Do not wait for a running step: the job repeats it at the next start.
        os._exit(0)


def _run_until(end: Event, run: Callable[[], object]) -> None:
    """Run a function in a thread until it returns or `end` is set: a database that does not answer must not delay it.

    Raises:
        Exception: that of the function.
    """
    done = Event()
    failures: list[BaseException] = []

    def run_and_report() -> None:
        try:
            run()
        except BaseException as error:  # noqa: BLE001 - the caller raises it
            failures.append(error)
        done.set()

    Thread(target=run_and_report, name="start", daemon=True).start()
    while not (done.wait(_STOP_POLL_SECONDS) or end.is_set()):
        pass
    if failures:
        raise failures[0]


def job_id() -> str:
    """Return the id of the running job."""
    found = DBOS.workflow_id
    if found is None:
        raise RuntimeError("job_id() was called outside a workflow")
    return found


@contextmanager
def _hold_name(locks: WorkerLocks, folder: Path, name: str) -> Iterator[None]:
    if not is_worker_name(name):
        raise JobsError(f"--name {name!r}: use {NAME_RULE}")
    try:
        lock = locks.acquire(name)
    except WorkerNameTaken as error:
        raise JobsError(f"{name}: another worker of this name runs on {folder}; choose another --name") from error
    except OSError as error:
        raise JobsError(f"{folder}: cannot be used as the worker's folder ({error.strerror})") from error
    with lock:
        yield


def _log_waiting(error: Exception) -> None:
    _log.warning("jobs database unavailable, waiting for it", error=describe_database_error(error))


def _log_recovery(job_id: str, worker: str) -> None:
    _log.warning("job requeued", job_id=job_id, worker=worker)


def _log_failed_maintenance(error: Exception) -> None:
    _log.error("job maintenance failed", exc_info=error)


def _log_recovered_maintenance() -> None:
    _log.info("job maintenance succeeds again")
