"""The worker in a process of its own, killed in the middle of a job."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from dbos import DBOSClient
from dbos._serialization import DBOSPortableJSON

from housing_price_model.worker.database import open_jobs
from housing_price_model.worker.worker import APPLICATION, QUEUE, WORKFLOW

PROGRAM = Path(__file__).with_name("slow_worker.py")
PATIENCE_SECONDS = 60

type Start = Callable[[], subprocess.Popen[str]]
type Workers = list[subprocess.Popen[str]]


@pytest.fixture
def workers() -> Workers:
    """Those that a test started."""
    return []


@pytest.fixture
def database(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'jobs.db'}"


@pytest.fixture
def start(workers: Workers, database: str, tmp_path: Path) -> Iterator[Start]:

    def start() -> subprocess.Popen[str]:
        with (tmp_path / "worker.log").open("a") as errors:
            worker = subprocess.Popen(
                [sys.executable, str(PROGRAM), database, str(tmp_path), f"sqlite:///{tmp_path / 'mlflow.db'}"],
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
    client = DBOSClient(system_database_engine=engine, serializer=DBOSPortableJSON)
    yield client
    client.destroy()
    engine.dispose()


def submit(client: DBOSClient, job_id: str, asked: Any) -> None:
    client.enqueue(
        {"workflow_name": WORKFLOW, "queue_name": QUEUE, "application_name": APPLICATION, "workflow_id": job_id}, asked
    )


def until(done: Callable[[], bool], what: str) -> None:
    ends = time.monotonic() + PATIENCE_SECONDS
    while not done():
        assert time.monotonic() < ends, what
        time.sleep(0.05)


def status(client: DBOSClient, job_id: str) -> Any:
    (found,) = client.list_workflows(workflow_ids=[job_id])
    return found


def test_killed_worker_goes_on_with_its_job_and_repeats_only_the_step_that_it_was_in(
    client: DBOSClient, start: Start, workers: Workers, tmp_path: Path
) -> None:
    submit(client, "job-1", {"source": "bundled", "seed": 3})
    steps = tmp_path / "steps"
    until(lambda: steps.exists() and steps.read_text() == "train\ngate\n", "the second step begins")
    assert client.get_event("job-1", "progress", 1) == {"stepsDone": 1, "stepsTotal": 3, "step": "gate"}
    (worker,) = workers
    worker.kill()
    worker.wait()
    (tmp_path / "go").touch()
    start()
    until(lambda: status(client, "job-1").status == "SUCCESS", "the job ends well")
    assert steps.read_text() == "train\ngate\ngate\nregister\n"
    assert status(client, "job-1").output == {
        "version": "7",
        "isChallenger": True,
        "gate": [{"check": "RMSLE", "passed": True}],
        "metrics": {"rmsle": 0.12},
    }
    assert client.get_event("job-1", "progress", 1) == {"stepsDone": 3, "stepsTotal": 3, "step": "register"}


def test_job_that_asks_for_something_else_fails_with_a_code_and_a_message(client: DBOSClient, tmp_path: Path) -> None:
    submit(client, "job-2", {"source": "csv", "data": "/etc/passwd"})
    until(lambda: status(client, "job-2").status == "ERROR", "the job fails")
    error = status(client, "job-2").error
    assert (error.code, error.message) == (
        "invalid-argument",
        "data: this worker reads no data of jobs; it was started without --data-folder",
    )
    assert not (tmp_path / "steps").exists()


def test_second_worker_of_the_same_name_is_refused(client: DBOSClient, database: str, tmp_path: Path) -> None:
    del client
    done = subprocess.run(
        [sys.executable, str(PROGRAM), database, str(tmp_path), f"sqlite:///{tmp_path / 'mlflow.db'}"],
        capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False,
    )  # fmt: skip
    assert done.returncode
    assert "worker-1: another worker of this name runs" in done.stderr
