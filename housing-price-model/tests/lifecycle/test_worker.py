"""The worker of the queue `lifecycle` as a process of its own, killed with -9 in the middle of a promotion."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from dbos import DBOSClient, DBOSPortableJSONSerializer
from tests.lifecycle_store import CHAMPION, OTHERWISE, SECOND, LifecycleStore

from housing_price_model.lifecycle.move_steps import MoveSteps
from housing_price_model.lifecycle.serving_folder import ServingFolder
from housing_price_model.lifecycle.worker import QUEUE, WORKFLOW
from housing_price_model.registry.life_records import LifeRecords
from housing_price_model.registry.versions import connect
from housing_price_model.worker.database import open_jobs
from housing_price_platform.orders.move_rules import MOVE_RULES, RefusedMoves

from .serving_runner import ServingRunner

TIMEOUT_SECONDS = 60

# MLflow's own code uses what SQLAlchemy and pandas deprecate.
pytestmark = [
    pytest.mark.stack,
    pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning"),
    pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning:mlflow"),
]


class Worker:
    """`housing-price-model worker --queue lifecycle`, as often as a test starts it, and a client of its queue."""

    def __init__(self, folder: Path, uri: str, serving: ServingFolder) -> None:
        self._database, self._uri, self._serving, self._folder = f"sqlite:///{folder / 'jobs.db'}", uri, serving, folder
        self.start()
        self._engine = open_jobs(self._database)
        self.client = DBOSClient(system_database_engine=self._engine, serializer=DBOSPortableJSONSerializer())

    def start(self) -> None:
        options = ["--queue", "lifecycle", "--database", self._database, "--serving", str(self._serving.folder)]
        options += ["--tracking-uri", self._uri, "--name", "worker-1", "--drain-seconds", "0.5"]
        with (self._folder / "worker.log").open("a") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "housing_price_model", "worker", *options],
                stdout=subprocess.PIPE, stderr=log, text=True,
            )  # fmt: skip
        assert self.process.stdout
        assert "takes jobs from the queue lifecycle" in self.process.stdout.readline(), self.log

    @property
    def log(self) -> str:
        return (self._folder / "worker.log").read_text()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        assert self.process.stdout
        self.process.stdout.close()

    def submit(self, job: str, **asked: Any) -> None:
        self.client.enqueue(
            {
                "workflow_name": WORKFLOW,
                "queue_name": QUEUE.name,
                "application_name": QUEUE.application,
                "workflow_id": job,
            },
            asked,
        )

    def status(self, job: str) -> Any:
        (found,) = self.client.list_workflows(workflow_ids=[job])
        return found

    def until(self, done: Callable[[], bool], what: str) -> None:
        ends = time.monotonic() + TIMEOUT_SECONDS
        while not done():
            assert time.monotonic() < ends, f"{what}\n{self.log}"
            time.sleep(0.02)

    def finish(self, job: str) -> Any:
        self.until(lambda: self.status(job).status in {"SUCCESS", "ERROR", "CANCELLED"}, f"{job} ends")
        return self.status(job)

    def end(self) -> None:
        self.kill()
        self.client.destroy()
        self._engine.dispose()


@pytest.fixture
def serving(tmp_path: Path) -> ServingFolder:
    serving = ServingFolder(tmp_path / "serving")
    serving.prepare()
    return serving


@pytest.fixture
def uri(lifecycle_store: LifecycleStore, tmp_path: Path) -> str:
    return lifecycle_store.copied_to(tmp_path)


@pytest.fixture
def runner(serving: ServingFolder, uri: str) -> Iterator[ServingRunner]:
    """Serves the champion."""
    with ServingRunner(serving) as runner:
        move_steps = MoveSteps(serving, uri, drain_seconds=0.0)
        plan = move_steps.judge({"action": "promote", "version": CHAMPION})
        move_steps.export(plan)
        move_steps.route(plan)
        move_steps.stop(plan)
        yield runner


@pytest.fixture
def worker(runner: ServingRunner, serving: ServingFolder, uri: str, tmp_path: Path) -> Iterator[Worker]:
    del runner
    worker = Worker(tmp_path, uri, serving)
    yield worker
    worker.end()


def routed(serving: ServingFolder) -> str:
    routes = serving.routes()
    assert routes is not None
    return routes.champion.version


def test_killed_worker_resumes_its_promotion_and_a_failed_move_changes_nothing(
    worker: Worker, runner: ServingRunner, serving: ServingFolder, uri: str
) -> None:
    # While its server starts.
    runner.may_start = lambda version: version != SECOND
    worker.submit("job-1", action="promote", version=SECOND, by="key-1", reason="better")
    worker.until(lambda: serving.observed().server(SECOND) is not None, "the second server starts")
    worker.kill()
    assert routed(serving) == CHAMPION
    runner.may_start = lambda _version: True
    worker.start()
    # And again, after requests go elsewhere and before the old server is stopped.
    worker.until(lambda: routed(serving) == SECOND, "the routes are switched")
    worker.kill()
    assert CHAMPION in runner.versions
    worker.start()
    done = worker.finish("job-1")
    revision = serving.routes()
    assert revision is not None
    moved = {"model": "price", "version": SECOND, "state": "champion", "previous": CHAMPION}
    assert done.output == moved | {"revision": revision.revision}
    assert worker.client.get_event("job-1", "progress", 1) == {"stepsDone": 8, "stepsTotal": 8, "step": "stop"}
    worker.until(lambda: runner.versions == {SECOND}, "the old server is stopped")
    lives = LifeRecords(connect(uri))
    assert (lives.champion(), lives.find(CHAMPION).state) == (SECOND, "archived")
    assert [record.job for record in lives.find(SECOND).records][-1:] == ["job-1"]
    completed = [line for line in worker.log.splitlines() if "step completed" in line]
    assert sum('"export"' in line for line in completed) == 1

    # One that fails: nothing has changed, and no request has gone to it.
    before = routed(serving), lives.all()
    worker.submit("job-2", action="promote", version=OTHERWISE)
    failed = worker.finish("job-2")
    assert failed.error.code == "golden-answers-differ"
    assert (routed(serving), lives.all()) == before
    worker.until(lambda: runner.versions == {SECOND}, "its server is stopped")

    # One that is cancelled while it waits for its server.
    runner.may_start = lambda version: version == SECOND
    worker.submit("job-3", action="rollback", version=SECOND)
    worker.until(lambda: serving.observed().server(CHAMPION) is not None, "its server starts")
    worker.client.cancel_workflow("job-3")
    assert worker.finish("job-3").status == "CANCELLED"
    worker.until(lambda: serving.desired().server(CHAMPION) is None, "its server is not wanted any more")
    assert runner.versions == {SECOND}
    assert (routed(serving), lives.all()) == before

    for number, (asked, code) in enumerate(
        [
            ({"action": "promote", "version": "99"}, "version-unknown"),
            ({"action": "promote", "version": CHAMPION}, "transition-illegal"),
            ({"action": "promote"}, "invalid-argument"),
        ]
    ):
        worker.submit(f"bad-{number}", **asked)
        assert worker.finish(f"bad-{number}").error.code == code
    assert "Traceback" not in worker.log, worker.log
    # The API learns from this document what would be refused.
    path = serving.folder / MOVE_RULES
    worker.until(path.exists, "the refused moves are listed")
    refused = RefusedMoves.model_validate_json(path.read_bytes()).versions
    assert "99" not in refused
    assert refused[CHAMPION]["promote"].code == "transition-illegal"
