"""The worker in a process of its own, killed in the middle of a job."""

import base64
import pickle
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from dbos import DBOSClient, DBOSPortableJSONSerializer

from housing_price_model.worker.database import open_jobs
from housing_price_model.worker.worker import APPLICATION, QUEUE, WORKFLOW
from housing_price_platform.jobs.maintenance import INTERVAL_SECONDS
from postgres import Postgres

pytestmark = pytest.mark.stack

PROGRAM = Path(__file__).with_name("slow_worker.py")
TIMEOUT_SECONDS = 60

type Start = Callable[..., subprocess.Popen[str]]
type Workers = list[subprocess.Popen[str]]


@pytest.fixture
def workers() -> Workers:
    """The workers that a test started."""
    return []


@pytest.fixture
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if getattr(request, "param", "sqlite") == "sqlite":
        return f"sqlite:///{tmp_path / 'jobs.db'}"
    server: Postgres = request.getfixturevalue("postgres")
    return server.new_database()


on_both = pytest.mark.parametrize("database", ["sqlite", "postgres"], indirect=True)


@pytest.fixture
def start(workers: Workers, database: str, tmp_path: Path) -> Iterator[Start]:

    def start(*name_and_retention: str) -> subprocess.Popen[str]:
        with (tmp_path / "worker.log").open("a") as errors:
            worker = subprocess.Popen(
                [sys.executable, str(PROGRAM), database, str(tmp_path), f"sqlite:///{tmp_path / 'mlflow.db'}",
                 *name_and_retention],
                stdout=subprocess.PIPE, stderr=errors, text=True,
            )  # fmt: skip
        workers.append(worker)
        assert worker.stdout
        assert "takes jobs" in worker.stdout.readline(), (tmp_path / "worker.log").read_text()
        return worker

    yield start
    for worker in workers:
        worker.kill()
        worker.wait()
        assert worker.stdout
        worker.stdout.close()


@pytest.fixture
def client(database: str, start: Start) -> Iterator[DBOSClient]:
    start()  # it makes the tables
    engine = open_jobs(database)
    client = DBOSClient(system_database_engine=engine, serializer=DBOSPortableJSONSerializer())
    yield client
    client.destroy()
    engine.dispose()


def submit(client: DBOSClient, job_id: str, asked: Any) -> None:
    client.enqueue(
        {"workflow_name": WORKFLOW, "queue_name": QUEUE, "application_name": APPLICATION, "workflow_id": job_id}, asked
    )


def until(done: Callable[[], bool], what: str) -> None:
    ends = time.monotonic() + TIMEOUT_SECONDS
    while not done():
        assert time.monotonic() < ends, what
        time.sleep(0.05)


def status(client: DBOSClient, job_id: str) -> Any:
    (found,) = client.list_workflows(workflow_ids=[job_id])
    return found


def has_succeeded(client: DBOSClient, job_id: str) -> bool:
    return bool(status(client, job_id).status == "SUCCESS")


@on_both
@pytest.mark.parametrize("successor", ["worker-1", "worker-2"])
def test_job_of_a_killed_worker_resumes_and_repeats_only_the_interrupted_step(
    client: DBOSClient, start: Start, workers: Workers, tmp_path: Path, successor: str
) -> None:
    """Whether the same worker returns or another takes over, and however often the job was submitted."""
    with ThreadPoolExecutor(10) as threads:
        list(threads.map(lambda _: submit(client, "job-1", {"source": "bundled", "seed": 3}), range(50)))
    steps = tmp_path / "steps"
    until(lambda: steps.exists() and steps.read_text() == "train\ngate\n", "the second step begins")
    assert client.get_event("job-1", "progress", 1) == {"stepsDone": 1, "stepsTotal": 3, "step": "gate"}
    (worker,) = workers
    worker.kill()
    worker.wait()
    (tmp_path / "go").touch()
    start(successor)
    until(lambda: status(client, "job-1").status == "SUCCESS", "the job ends well")
    assert steps.read_text() == "train\ngate\ngate\nregister\n"
    assert status(client, "job-1").output == {
        "version": "7",
        "isChallenger": True,
        "gate": [{"check": "RMSLE", "passed": True}],
        "metrics": {"rmsle": 0.12},
    }
    assert client.get_event("job-1", "progress", 1) == {"stepsDone": 3, "stepsTotal": 3, "step": "register"}


def test_job_with_an_invalid_argument_fails_with_a_code_and_a_message(client: DBOSClient, tmp_path: Path) -> None:
    submit(client, "job-2", {"source": "csv", "data": "/etc/passwd"})
    until(lambda: status(client, "job-2").status == "ERROR", "the job fails")
    error = status(client, "job-2").error
    assert (error.code, error.message) == (
        "invalid-argument",
        "data: not allowed by this worker: it was started without --data-folder",
    )
    assert not (tmp_path / "steps").exists()


def test_worker_does_not_take_over_jobs_of_running_workers(client: DBOSClient, start: Start, tmp_path: Path) -> None:
    submit(client, "job-1", {"source": "bundled"})
    steps = tmp_path / "steps"
    until(lambda: steps.exists() and steps.read_text() == "train\ngate\n", "the second step begins")
    start("worker-2")
    submit(client, "job-2", {"source": "csv", "data": "x"})
    # The second one does it at once, and then looks after the first one's twice.
    until(lambda: status(client, "job-2").status == "ERROR", "the second worker works")
    time.sleep(2 * INTERVAL_SECONDS)
    assert steps.read_text() == "train\ngate\n"
    (tmp_path / "go").touch()
    until(lambda: status(client, "job-1").status == "SUCCESS", "the job ends well")
    assert steps.read_text() == "train\ngate\nregister\n"
    assert "job requeued" not in (tmp_path / "worker.log").read_text()


def test_old_jobs_are_deleted_with_the_folders_of_their_runs_and_no_others(
    client: DBOSClient, start: Start, workers: Workers, database: str, tmp_path: Path
) -> None:
    (tmp_path / "go").touch()
    runs = tmp_path / "runs"
    for job_id in ("old", "elsewhere"):
        submit(client, job_id, {"source": "bundled"})
        until(partial(has_succeeded, client, job_id), "the job ends well")
    engine = open_jobs(database)
    with engine.begin() as connection:
        # A manipulated row must not cause the deletion of anything but a run folder.
        connection.execute(sa.text("UPDATE workflow_status SET workflow_uuid = '..' WHERE workflow_uuid = 'elsewhere'"))
    engine.dispose()
    (tmp_path / "go").unlink()
    submit(client, "going-on", {"source": "bundled"})
    until((runs / "going-on").exists, "the third job begins")
    workers[0].kill()
    start("worker-1", "0.001")
    until(lambda: not client.list_workflows(workflow_ids=["old", ".."]), "the old jobs are deleted")
    assert not (runs / "old").exists()
    assert (runs / "elsewhere").is_dir()
    (tmp_path / "go").touch()
    until(lambda: (tmp_path / "steps").read_text().endswith("register\n"), "the third job ends")


def test_pickled_rows_of_the_database_are_never_unpickled(client: DBOSClient, database: str, tmp_path: Path) -> None:
    """Write access to the database must not allow running code in a worker."""
    trap = tmp_path / "sprung"
    pickled = base64.b64encode(pickle.dumps({"args": (Trap(trap),), "kwargs": {}})).decode()
    client.enqueue(
        {
            "workflow_name": WORKFLOW,
            "queue_name": QUEUE,
            "application_name": APPLICATION,
            "workflow_id": "job-1",
            "delay_seconds": 3600,
        },
        {},
    )
    engine = open_jobs(database)
    with engine.begin() as connection:
        connection.execute(
            sa.text("UPDATE workflow_status SET inputs = :inputs, serialization = 'py_pickle', status = 'ENQUEUED'"),
            {"inputs": pickled},
        )
        # This process is a client of DBOS, which would read it itself.
        asked = sa.text("SELECT status FROM workflow_status WHERE workflow_uuid = 'job-1'")
    until(lambda: state_of(engine, asked) == "ERROR", "the job fails")
    engine.dispose()
    assert not trap.exists()
    submit(client, "job-2", {"source": "csv", "data": "x"})
    until(lambda: status(client, "job-2").status == "ERROR", "the worker goes on")
    assert status(client, "job-2").error.code == "invalid-argument"
    pickle.loads(base64.b64decode(pickled))  # noqa: S301 - our own: the trap is one
    assert trap.exists()


def state_of(engine: sa.Engine, asked: sa.TextClause) -> Any:
    with engine.connect() as connection:
        return connection.execute(asked).scalar()


class Trap:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


def test_second_worker_of_the_same_name_is_refused(client: DBOSClient, database: str, tmp_path: Path) -> None:
    del client
    done = subprocess.run(
        [sys.executable, str(PROGRAM), database, str(tmp_path), f"sqlite:///{tmp_path / 'mlflow.db'}"],
        capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False,
    )  # fmt: skip
    assert done.returncode
    assert "worker-1: another worker of this name runs" in done.stderr
