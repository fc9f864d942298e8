"""A client and a worker on a real SQLite database: pickled rows, recovery and retention."""

import base64
import pickle
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from benchmarks.faults.databases.sqlite_lock import exclusive_lock
from dbos import DBOS, DBOSClient, WorkflowStatus, _serialization, _sys_db
from dbos._utils import retriable_sqlite_exception
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError

from housing_price_platform.database.deadline import deadline
from housing_price_platform.jobs import repeat_start
from housing_price_platform.jobs.client import JobsDatabaseLocked, open_client
from housing_price_platform.jobs.database import client_engine, worker_engine
from housing_price_platform.jobs.full_disk import repeat_on_full_disk
from housing_price_platform.jobs.launch import WorkerQueue, launch_worker
from housing_price_platform.jobs.recover_jobs import recover_jobs
from housing_price_platform.jobs.refuse_pickle import PickleRefused
from housing_price_platform.jobs.retention import delete_finished_jobs
from housing_price_platform.jobs.short_retries import MAX_PAUSE_SECONDS, shorten_retries
from housing_price_platform.jobs.worker_lock import WorkerLocks

QUEUE = WorkerQueue("doubling", "doubling-worker", "doubling-1", poll_seconds=0.05)
WORKFLOW = "double"
WAIT_SECONDS = 30


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[sa.Engine]:
    url = make_url(f"sqlite:///{tmp_path / 'jobs.db'}")
    engine = client_engine(url, connections=6, spare_connections=0, wait_seconds=10)
    yield engine
    engine.dispose()


@pytest.fixture
def client(engine: sa.Engine) -> Iterator[DBOSClient]:
    client = open_client(engine, query_seconds=10)
    yield client
    client.destroy()


def submit(client: DBOSClient, job_id: str, argument: Any, *, application: str = QUEUE.application) -> None:
    client.enqueue(
        {"workflow_name": WORKFLOW, "queue_name": QUEUE.name, "application_name": application, "workflow_id": job_id},
        argument,
    )


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[None]:
    """A worker named `worker-1` that doubles numbers."""
    engine = worker_engine(make_url(f"sqlite:///{tmp_path / 'jobs.db'}"), connections=6, wait_seconds=10)

    def double(number: int) -> int:
        return 2 * number

    launch_worker(engine, "worker-1", QUEUE, lambda: DBOS.workflow(name=WORKFLOW)(double))
    yield
    DBOS.destroy(destroy_registry=True)
    engine.dispose()


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def state_of(client: DBOSClient, job_id: str) -> str | None:
    found = client.list_workflows(workflow_ids=[job_id], load_input=False, load_output=False)
    return found[0].status if found else None


def has_succeeded(client: DBOSClient, job_id: str) -> bool:
    return state_of(client, job_id) == "SUCCESS"


def test_jobs_submitted_before_the_first_worker_started_are_run(
    client: DBOSClient, request: pytest.FixtureRequest
) -> None:
    submit(client, "job-1", 21)
    request.getfixturevalue("worker")
    wait_until(lambda: state_of(client, "job-1") == "SUCCESS")
    assert client.list_workflows(workflow_ids=["job-1"])[0].output == 42


def test_a_pickled_row_is_refused_and_its_code_does_not_run(
    client: DBOSClient, engine: sa.Engine, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    trap = tmp_path / "sprung"
    pickled = base64.b64encode(pickle.dumps({"args": (Trap(trap),), "kwargs": {}})).decode()
    submit(client, "job-1", 1)
    with engine.begin() as connection:
        connection.execute(
            sa.text("UPDATE workflow_status SET inputs = :inputs, serialization = 'py_pickle'"), {"inputs": pickled}
        )
    with pytest.raises(PickleRefused):
        _serialization.DefaultSerializer().deserialize(pickled)
    request.getfixturevalue("worker")
    wait_until(lambda: state_of(client, "job-1") == "ERROR")
    submit(client, "job-2", 2)
    wait_until(lambda: state_of(client, "job-2") == "SUCCESS")
    assert not trap.exists()
    pickle.loads(base64.b64decode(pickled))  # noqa: S301 - the trap works when it is unpickled
    assert trap.exists()


class Trap:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


@pytest.fixture
def locks(tmp_path: Path) -> WorkerLocks:
    return WorkerLocks(tmp_path / "workers")


def leave_running(client: DBOSClient, engine: sa.Engine, job_id: str, worker_name: str) -> None:
    """Make a job look as if a worker had ended in the middle of it."""
    submit(client, job_id, 1, application="nobody")
    with engine.begin() as connection:
        connection.execute(
            sa.text(
                "UPDATE workflow_status SET status = 'PENDING', executor_id = :worker, application_name = :application,"
                " application_version = :version WHERE workflow_uuid = :job"
            ),
            {"worker": worker_name, "application": QUEUE.application, "version": QUEUE.version, "job": job_id},
        )


def test_only_the_jobs_of_dead_workers_are_requeued(
    worker: None, client: DBOSClient, engine: sa.Engine, locks: WorkerLocks
) -> None:
    del worker
    locks.acquire("dead").close()
    for job_id, name in (("of-dead", "dead"), ("of-living", "living"), ("of-unknown", "unknown"), ("own", "worker-1")):
        leave_running(client, engine, job_id, name)
    reported = []
    with locks.acquire("living"):
        recover_jobs(
            locks,
            own_name="worker-1",
            application=QUEUE.application,
            report=lambda job_id, name: reported.append((job_id, name)),
        )
    assert reported == [("of-dead", "dead")]
    wait_until(lambda: state_of(client, "of-dead") == "SUCCESS")
    assert {state_of(client, job_id) for job_id in ("of-living", "of-unknown", "own")} == {"PENDING"}


def test_finished_jobs_are_deleted_with_their_files_and_no_others(
    worker: None, client: DBOSClient, engine: sa.Engine
) -> None:
    del worker
    for number in range(3):
        submit(client, f"job-{number}", number)
        wait_until(partial(has_succeeded, client, f"job-{number}"))
    leave_running(client, engine, "running", "another")
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE workflow_status SET name = 'another' WHERE workflow_uuid = 'job-1'"))
        connection.execute(
            sa.text("UPDATE workflow_status SET application_name = 'another' WHERE workflow_uuid = 'job-2'")
        )
    removed: list[str] = []

    def remove_files(job: WorkflowStatus) -> None:
        assert state_of(client, job.workflow_id) == "SUCCESS"
        removed.append(job.workflow_id)

    def delete_before(before: datetime) -> int:
        return delete_finished_jobs(
            before, application=QUEUE.application, workflows=[WORKFLOW], remove_files=remove_files
        )

    assert delete_before(datetime.now(UTC) - timedelta(hours=1)) == 0
    assert delete_before(datetime.now(UTC) + timedelta(hours=1)) == 1
    assert removed == ["job-0"]
    assert state_of(client, "job-0") is None
    assert all(state_of(client, job_id) for job_id in ("job-1", "job-2", "running"))


def test_a_client_gives_up_on_a_locked_database_and_reads_meanwhile(client: DBOSClient, tmp_path: Path) -> None:
    submit(client, "job-1", 1)
    with exclusive_lock(tmp_path / "jobs.db"):
        with deadline(0.2), pytest.raises(JobsDatabaseLocked):
            submit(client, "job-2", 2)
        # Readers and writers do not block each other.
        assert state_of(client, "job-1") == "ENQUEUED"
    submit(client, "job-2", 2)
    assert state_of(client, "job-2") == "ENQUEUED"


def test_a_client_gives_up_on_a_database_that_cannot_even_be_read(client: DBOSClient, tmp_path: Path) -> None:
    submit(client, "job-1", 1)
    client._sys_db.engine.dispose()
    with (
        exclusive_lock(tmp_path / "jobs.db", blocks_readers=True),
        deadline(0.2),
        pytest.raises(JobsDatabaseLocked),
    ):
        state_of(client, "job-1")
    assert state_of(client, "job-1") == "ENQUEUED"


def test_a_client_opens_a_database_whose_writer_is_busy(engine: sa.Engine, client: DBOSClient, tmp_path: Path) -> None:
    submit(client, "job-1", 1)
    with exclusive_lock(tmp_path / "jobs.db"):
        another = open_client(engine, query_seconds=10)
        assert state_of(another, "job-1") == "ENQUEUED"
    another.destroy()


def test_dbos_pauses_only_briefly_between_attempts(monkeypatch: pytest.MonkeyPatch) -> None:
    shorten_retries()
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    outcomes = [Exception("database is locked")] * 8

    @_sys_db.db_retry()
    def call() -> str:
        if outcomes:
            raise outcomes.pop()
        return "done"

    assert call() == "done"
    assert len(slept) == 8
    assert max(slept) <= MAX_PAUSE_SECONDS


def test_a_full_disk_is_repeated_like_a_lock(tmp_path: Path) -> None:
    engine = worker_engine(make_url(f"sqlite:///{tmp_path / 'jobs.db'}"), connections=1, wait_seconds=1)
    repeat_on_full_disk(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE t (x)")
        # SQLite reports a file that may not grow like a full disk.
        connection.exec_driver_sql("PRAGMA max_page_count=2")
    with pytest.raises(OperationalError, match="is full") as raised, engine.begin() as connection:
        connection.exec_driver_sql("INSERT INTO t VALUES (zeroblob(100000))")
    assert retriable_sqlite_exception(raised.value)
    engine.dispose()


def declare_doubling() -> object:
    def double(number: int) -> int:
        return 2 * number

    return DBOS.workflow(name=WORKFLOW)(double)


@pytest.mark.full
def test_a_worker_whose_database_is_locked_at_first_starts_later(client: DBOSClient, tmp_path: Path) -> None:
    submit(client, "job-1", 21)
    reported: list[Exception] = []
    impatient = worker_engine(make_url(f"sqlite:///{tmp_path / 'jobs.db'}"), connections=6, wait_seconds=0.1)

    def start() -> None:
        launch_worker(impatient, "worker-1", QUEUE, declare_doubling, report_waiting=reported.append)

    starting = threading.Thread(target=start)
    with exclusive_lock(tmp_path / "jobs.db"):
        starting.start()
        wait_until(lambda: bool(reported))
    starting.join(WAIT_SECONDS)
    wait_until(lambda: has_succeeded(client, "job-1"))
    assert len(reported) == 1
    DBOS.destroy(destroy_registry=True)
    impatient.dispose()


@pytest.mark.full
def test_a_start_that_failed_in_the_middle_is_repeated(
    client: DBOSClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit(client, "job-1", 21)
    failures = [OperationalError(None, None, Exception("database is locked"))] * 2
    really_launch = DBOS._launch

    def fail_at_first(self: DBOS, **options: Any) -> None:
        really_launch(self, **options)
        if failures:
            raise failures.pop()

    monkeypatch.setattr(DBOS, "_launch", fail_at_first)
    monkeypatch.setattr(repeat_start, "PAUSE_SECONDS", 0.01)
    engine = worker_engine(make_url(f"sqlite:///{tmp_path / 'jobs.db'}"), connections=6, wait_seconds=10)
    launch_worker(engine, "worker-1", QUEUE, declare_doubling)
    assert failures == []
    wait_until(lambda: has_succeeded(client, "job-1"))
    DBOS.destroy(destroy_registry=True)
    engine.dispose()
