"""Failures of jobs, and conditions that pass, in a worker on a real SQLite database."""

import errno
import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from dbos import DBOS, DBOSClient, PortableWorkflowError, WorkflowStatus
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError

from housing_price_platform.jobs.client import open_client
from housing_price_platform.jobs.database import worker_engine
from housing_price_platform.jobs.failure import JobFailed, failing_publicly, public_failure
from housing_price_platform.jobs.launch import WorkerQueue, launch_worker
from housing_price_platform.jobs.temporary import is_temporary, retry_while_temporary

QUEUE = WorkerQueue("failing", "failing-worker", "failing-1", poll_seconds=0.05)
WORKFLOW = "work"
WAIT_SECONDS = 60
FINISHED = {"SUCCESS", "ERROR", "CANCELLED"}


class Bench:
    """A worker whose jobs run `work`, and a client of its queue. The disk of its database can be full."""

    def __init__(self, client: DBOSClient) -> None:
        self.client = client
        self.work: Callable[[], Any] = lambda: None
        self.is_full = threading.Event()
        self.has_failed_to_write = threading.Event()

    def end_of(self, job_id: str) -> WorkflowStatus:
        deadline = time.monotonic() + WAIT_SECONDS
        while True:
            (job,) = self.client.list_workflows(workflow_ids=[job_id])
            if job.status in FINISHED:
                return job
            assert time.monotonic() < deadline, job
            time.sleep(0.02)

    def submit(self, job_id: str = "job-1") -> None:
        names = {"workflow_name": WORKFLOW, "queue_name": QUEUE.name, "application_name": QUEUE.application}
        self.client.enqueue({**names, "workflow_id": job_id})  # type: ignore[typeddict-item]  # built in two parts


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    url = make_url(f"sqlite:///{tmp_path / 'jobs.db'}")
    engine, own = (worker_engine(url, connections=6, wait_seconds=10) for _ in range(2))
    client = open_client(own, query_seconds=10)
    bench = Bench(client)

    @sa.event.listens_for(engine, "begin")
    def limit_pages(connection: sa.Connection) -> None:
        # A database that may not grow answers like one on a full disk.
        cursor = connection.connection.cursor()
        pages = cursor.execute("PRAGMA page_count").fetchone()[0] if bench.is_full.is_set() else 2**30
        cursor.execute(f"PRAGMA max_page_count = {pages}")

    @sa.event.listens_for(engine, "handle_error")
    def note(_context: Any) -> None:
        bench.has_failed_to_write.set()

    def work() -> Any:
        return bench.work()

    launch_worker(engine, "worker-1", QUEUE, lambda: DBOS.workflow(name=WORKFLOW)(failing_publicly(work)))
    yield bench
    DBOS.destroy(destroy_registry=True)
    client.destroy()
    for one in (engine, own):
        one.dispose()


def database_error(message: str = "database or disk is full") -> OperationalError:
    return OperationalError("INSERT INTO secrets", {}, sqlite3.OperationalError(message))


def test_a_full_disk_delays_a_job_and_does_not_fail_it(bench: Bench) -> None:
    times = 0

    def step() -> str:
        nonlocal times
        times += 1
        bench.is_full.set()
        return "x" * 500_000

    bench.work = lambda: len(DBOS.run_step({"name": "step"}, step))
    bench.submit()
    assert bench.has_failed_to_write.wait(WAIT_SECONDS)
    bench.is_full.clear()
    job = bench.end_of("job-1")
    assert (job.status, job.output, times) == ("SUCCESS", 500_000, 1)


def test_an_exception_with_a_code_is_not_public(bench: Bench) -> None:
    class Coded(Exception):
        code = "some-code"

    errors = [database_error("no such table"), Coded("secret"), PortableWorkflowError("secret", "Other", "some-code")]
    for number, error in enumerate(errors):

        def fail(error: Exception = error) -> None:
            raise error

        bench.work = fail
        bench.submit(f"job-{number}")
        job = bench.end_of(f"job-{number}")
        assert job.status == "ERROR"
        assert isinstance(job.error, Exception)
        assert public_failure(job.error) is None


def test_a_public_failure_is_read_back_and_its_traceback_is_not_logged(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    def step() -> None:
        raise JobFailed("input-unusable", "No header.", {"rowsPriced": 0})

    bench.work = lambda: DBOS.run_step({"name": "step"}, step)
    logger = logging.getLogger("dbos")
    logger.addHandler(caplog.handler)
    try:
        bench.submit()
        failure = public_failure(bench.end_of("job-1").error)
        assert failure is not None
        assert (failure.code, failure.message, failure.facts) == ("input-unusable", "No header.", {"rowsPriced": 0})
        assert caplog.text == ""
    finally:
        logger.removeHandler(caplog.handler)


def test_a_failure_replayed_from_a_checkpoint_keeps_its_type() -> None:
    def replay(stored: PortableWorkflowError) -> None:
        raise stored

    run = failing_publicly(replay)
    with pytest.raises(JobFailed, match="No header"):
        run(PortableWorkflowError("No header.", "JobFailed", "input-unusable"))
    for name in ("OperationalError", "PortableWorkflowError"):
        with pytest.raises(RuntimeError):
            run(PortableWorkflowError("database or disk is full", name, "e3q8"))


@pytest.mark.parametrize("code", ["e3q8", "f405", "", "E3Q8", "a", "two words", 13, None])
def test_codes_of_libraries_are_not_public(code: Any) -> None:
    for name in ("JobFailed", "PortableWorkflowError"):
        assert public_failure(PortableWorkflowError("secret", name, code)) is None


def test_failures_of_earlier_releases_stay_public() -> None:
    failure = public_failure(PortableWorkflowError("No header.", "PortableWorkflowError", "input-unusable"))
    assert failure is not None
    assert failure.code == "input-unusable"


class Wrapped(Exception):
    """An error that hides its cause."""


def wrapped(cause: Exception) -> Exception:
    error = Wrapped("it did not work")
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "passes"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), True),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), True),
        (wrapped(OSError(errno.ENOSPC, "No space left on device")), True),
        (wrapped(wrapped(database_error("database is locked"))), True),
        (database_error(), True),
        (ConnectionRefusedError(), True),
        (TimeoutError(), True),
        (FileNotFoundError(errno.ENOENT, "No such file"), False),
        (PermissionError(errno.EACCES, "Permission denied"), False),
        (database_error("no such table: x; database is locked"), False),
        (ValueError("database is locked"), False),
    ],
)
def test_conditions_that_pass_are_told_from_others(error: Exception, *, passes: bool) -> None:
    assert is_temporary(error) is passes


def test_work_is_repeated_until_it_succeeds_fails_for_good_or_is_cancelled() -> None:
    outcomes: list[Exception | int] = []
    reported: list[Exception] = []

    def work() -> int:
        outcome = outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def run(*, is_cancelled: bool = False, max_seconds: float = 60) -> int:
        return retry_while_temporary(
            work,
            report=lambda error, _seconds: reported.append(error),
            is_cancelled=lambda: is_cancelled,
            max_seconds=max_seconds,
        )

    full = OSError(errno.ENOSPC, "No space left on device")
    outcomes[:] = [full, 7]
    assert (run(), reported) == (7, [full])
    for options in ({"is_cancelled": True}, {"max_seconds": 0.0}):
        outcomes[:] = [full, 7]
        with pytest.raises(OSError, match="No space"):
            run(**options)
    outcomes[:] = [ValueError("wrong"), 7]
    with pytest.raises(ValueError, match="wrong"):
        run()
