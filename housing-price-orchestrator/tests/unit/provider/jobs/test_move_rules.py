"""Moves that the lifecycle worker would refuse are refused at submission; the test plays the worker."""

import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from benchmarks.repeating_thread import RepeatingThread
from fastapi.testclient import TestClient

from conftest import StartApp
from factories import replace_services
from fakes import FakeJobQueue
from housing_price_orchestrator.provider.jobs.files import FolderJobFiles
from housing_price_orchestrator.provider.jobs.move_rules import MoveRulesFiles
from housing_price_orchestrator.service.jobs import Jobs
from housing_price_orchestrator.shared.locations import AllowedLocations
from servers import StubModelServer

ALREADY = {"code": "transition-illegal", "detail": "Version 1 is already the champion."}
UNVERIFIED = {"code": "model-refused", "detail": "Version 3 was registered without a digest."}
VERSIONS: dict[str, Any] = {"1": {"promote": ALREADY}, "2": {}, "3": {"promote": UNVERIFIED}}


class Registry(RepeatingThread):
    """A worker that reads its registry every hundredth of a second."""

    def __init__(self, path: Path) -> None:
        super().__init__(0.01)
        self.path = path
        self.versions = dict(VERSIONS)
        self._number = 0
        # Tests write, too.
        self._writing = threading.Lock()
        self.write()

    def write(self, stamp: int = 0) -> None:
        """Replace the document atomically, as the worker does."""
        new = self.path.with_suffix(".new")
        with self._writing:
            new.write_text(json.dumps({"versions": self.versions}))
            os.utime(new, ns=(stamp, stamp))
            new.replace(self.path)

    def step(self) -> None:
        self._number += 1
        self.write(self._number)


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    with Registry(tmp_path / "moves.json") as registry:
        yield registry


@pytest.fixture
def queue(api: TestClient, registry: Registry, tmp_path: Path) -> FakeJobQueue:
    return use(api, tmp_path, MoveRulesFiles(registry.path.parent))


def use(api: TestClient, folder: Path, rules: MoveRulesFiles) -> FakeJobQueue:
    queue = FakeJobQueue()
    replace_services(api, jobs=Jobs(queue, FolderJobFiles(folder / "jobs"), AllowedLocations([]), rules))
    return queue


def move(api: TestClient, version: str, action: str = "promote", **headers: str) -> tuple[int, str, str]:
    answer = api.post(f"/api/v1/models/{version}/{action}", headers=headers)
    document = answer.json()
    if answer.status_code == 202:
        return 202, document["id"], ""
    return answer.status_code, document["type"].removeprefix("urn:housing-price:problem:"), document["detail"]


def test_a_move_that_would_fail_is_refused_with_the_workers_reason(api: TestClient, queue: FakeJobQueue) -> None:
    assert move(api, "99") == (404, "version-unknown", "There is no version 99.")
    assert move(api, "1") == (409, "transition-illegal", ALREADY["detail"])
    assert move(api, "3") == (409, "model-refused", UNVERIFIED["detail"])
    assert not queue.jobs
    assert move(api, "2")[0] == move(api, "1", "rollback")[0] == 202


def test_each_model_has_its_own_versions(api: TestClient, queue: FakeJobQueue, tmp_path: Path) -> None:
    assert move(api, "comparables/1")[0] == 202  # not known yet
    (tmp_path / "comparables").mkdir()
    registry = Registry(tmp_path / "comparables" / "moves.json")
    registry.versions = {"7": {}, "8": {"promote": ALREADY}}
    with registry:
        for job_id in list(queue.jobs):
            queue.takes(job_id)
            queue.succeeds(job_id, {})
        assert move(api, "comparables/2") == (404, "version-unknown", "There is no version 2.")
        assert move(api, "comparables/8") == (409, "transition-illegal", ALREADY["detail"])
        assert move(api, "comparables/7")[0] == move(api, "2")[0] == 202


def test_a_version_that_was_just_registered_is_not_refused(
    api: TestClient, queue: FakeJobQueue, registry: Registry
) -> None:
    registry.versions = {**VERSIONS, "4": {}}
    assert move(api, "4")[0] == 202
    assert len(queue.jobs) == 1


def test_a_move_behind_an_unfinished_one_is_left_to_the_worker(api: TestClient, queue: FakeJobQueue) -> None:
    earlier = move(api, "2")[1]
    assert move(api, "1")[0] == 202
    assert move(api, "99")[0] == 404
    for job_id in list(queue.jobs):
        queue.takes(job_id)
        queue.succeeds(job_id, {})
    assert earlier in queue.jobs
    assert move(api, "1")[0] == 409


def test_a_repeated_request_gets_its_job_although_the_move_is_done(
    api: TestClient, queue: FakeJobQueue, registry: Registry
) -> None:
    key = {"idempotency-key": "once"}
    first = move(api, "2", **key)
    queue.takes(first[1])
    queue.succeeds(first[1], {})
    registry.versions = {"2": {"promote": ALREADY}}
    registry.write(1)
    assert move(api, "2", **key) == first
    assert move(api, "2")[0] == 409


@pytest.mark.parametrize("content", [None, "", "{", "[]", '{"versions": {"1": {"promote": {"code": "x"}}}}'])
def test_without_a_usable_document_moves_are_left_to_the_worker(
    api: TestClient, tmp_path: Path, content: str | None
) -> None:
    path = tmp_path / "moves.json"
    if content is not None:
        path.write_text(content)
    queue = use(api, tmp_path, MoveRulesFiles(tmp_path))
    assert move(api, "99")[0] == 202
    assert len(queue.jobs) == 1


def test_a_refusal_that_no_worker_confirms_is_left_to_the_worker(api: TestClient, tmp_path: Path) -> None:
    path = tmp_path / "moves.json"
    path.write_text(json.dumps({"versions": VERSIONS}))
    use(api, tmp_path, MoveRulesFiles(tmp_path, wait_seconds=0.2))
    assert move(api, "99")[0] == 202


def test_the_rules_are_beside_the_routes_file(stub: StubModelServer, start_app: StartApp, tmp_path: Path) -> None:
    with Registry(tmp_path / "moves.json"):
        jobs = {"database_url": f"sqlite:///{tmp_path}/jobs.db", "folder": tmp_path / "jobs"}
        client = start_app(stub.url, jobs=jobs, model_server={"routes_file": tmp_path / "routes.json"})
        assert move(client, "99") == (404, "version-unknown", "There is no version 99.")
