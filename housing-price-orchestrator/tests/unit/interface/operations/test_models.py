"""The operations on model versions: listing those in service, and moves as jobs."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from pydantic import ValidationError

from conftest import StartApp
from factories import a_route, bearer, house_bytes, new_key, replace_services, routes_json
from fakes import FakeJobQueue
from housing_price_orchestrator.provider.jobs.files import FolderJobFiles
from housing_price_orchestrator.provider.jobs.move_rules import MoveRulesFiles
from housing_price_orchestrator.service.jobs import Jobs
from housing_price_orchestrator.shared.errors import JobsUnavailable
from housing_price_orchestrator.shared.locations import AllowedLocations
from housing_price_platform.orders.moves import Move
from servers import StubModelServer

MODELS, PREDICT = "/api/v1/models", "/api/v1/price/predict"
ACTIONS = ["promote", "rollback", "canary", "shadow", "abort", "archive"]
BODIES: dict[str, dict[str, Any]] = {"canary": {"weight": 0.1}}


def with_jobs(client: TestClient, folder: Path, rules: Path | None = None) -> FakeJobQueue:
    queue = FakeJobQueue()
    replace_services(client, jobs=Jobs(queue, FolderJobFiles(folder), AllowedLocations([]), MoveRulesFiles(rules)))
    return queue


@pytest.fixture
def queue(api: TestClient, tmp_path: Path) -> FakeJobQueue:
    return with_jobs(api, tmp_path / "jobs")


@pytest.mark.parametrize("action", ACTIONS)
def test_a_move_becomes_a_job(api: TestClient, queue: FakeJobQueue, action: str) -> None:
    body = {"reason": "because", **BODIES.get(action, {})}
    answer = api.post(f"{MODELS}/2/{action}", json=body)
    assert answer.status_code == 202
    job = answer.json()
    assert (job["type"], job["state"]) == ("lifecycle", "queued")
    assert answer.headers["location"] == f"/api/v1/jobs/{job['id']}"
    assert api.get(answer.headers["location"]).json() == job
    assert api.get("/api/v1/jobs").json()["jobs"] == [job]
    arguments = {"action": action, "version": "2", "weight": None, "sample": None, "limits": None, "by": ""}
    more = {"canary": {"weight": 0.1}, "shadow": {"sample": 1.0}}.get(action, {})
    assert queue.jobs[job["id"]].arguments == arguments | {"reason": "because"} | more


@pytest.mark.parametrize("action", ["promote", "rollback"])
def test_a_move_of_the_comparables_model_becomes_a_job_of_its_own(
    api: TestClient, queue: FakeJobQueue, action: str
) -> None:
    key = {"idempotency-key": "once"}
    answer = api.post(f"{MODELS}/comparables/2/{action}", json={"reason": "because"}, headers=key)
    assert answer.status_code == 202
    arguments = queue.jobs[answer.json()["id"]].arguments
    assert (arguments["model"], arguments["action"], arguments["version"]) == ("comparables", action, "2")
    Move.model_validate(arguments)
    # The same move of the price model is another one.
    assert api.post(f"{MODELS}/2/{action}", json={"reason": "because"}, headers=key).status_code == 422


@pytest.mark.parametrize("action", ["canary", "shadow", "abort", "archive"])
def test_the_comparables_model_has_a_champion_only(api: TestClient, queue: FakeJobQueue, action: str) -> None:
    assert api.post(f"{MODELS}/comparables/2/{action}", json=BODIES.get(action, {})).status_code == 404
    assert not queue.jobs
    with pytest.raises(ValidationError, match="for the comparables model only promote and rollback are possible"):
        Move.model_validate({"model": "comparables", "version": "2", "action": action, **BODIES.get(action, {})})


def test_canary_limits_are_passed_on_completely(api: TestClient, queue: FakeJobQueue) -> None:
    answer = api.post(f"{MODELS}/2/canary", json={"weight": 1, "limits": {"maxErrorRatio": 0.01}})
    assert queue.jobs[answer.json()["id"]].arguments["limits"] == {
        "maxErrorRatio": 0.01,
        "maxLatencyRatio": 3.0,
        "maxMedianDeviation": 0.15,
        "leastRequests": 50,
    }


@pytest.mark.parametrize("action", [one for one in ACTIONS if one != "canary"])
def test_a_move_needs_no_body(api: TestClient, queue: FakeJobQueue, action: str) -> None:
    answer = api.post(f"{MODELS}/2/{action}")
    assert answer.status_code == 202
    assert queue.jobs[answer.json()["id"]].arguments["reason"] == ""


def test_a_finished_move_has_a_result(api: TestClient, queue: FakeJobQueue) -> None:
    job_id = api.post(f"{MODELS}/2/promote").json()["id"]
    queue.takes(job_id)
    queue.tells(job_id, stepsDone=2, stepsTotal=5, step="answer golden houses")
    assert api.get(f"/api/v1/jobs/{job_id}").json()["progress"]["step"] == "answer golden houses"
    result = {"model": "price", "version": "2", "state": "champion", "previous": "1", "revision": 8}
    queue.succeeds(job_id, result)
    assert api.get(f"/api/v1/jobs/{job_id}/result").json() == result


WRONG: dict[str, tuple[str, str, bytes]] = {
    "a canary without a weight": ("canary", "weight", b"{}"),
    "a weight of nothing": ("canary", "weight", b'{"weight": 0}'),
    "a weight beyond all": ("canary", "weight", b'{"weight": 1.5}'),
    "a weight that is a word": ("canary", "weight", b'{"weight": "0.1"}'),
    "a weight that is no number": ("canary", "", b'{"weight": NaN}'),
    "a weight that no house falls under": ("canary", "weight", b'{"weight": 1e-320}'),
    "a weight below one bucket": ("canary", "weight", b'{"weight": 0.00009}'),
    "a weight that is infinite when read": ("canary", "weight", b'{"weight": 1e400}'),
    "a sample that copies nothing": ("shadow", "sample", b'{"sample": 4.9e-324}'),
    "a key that occurs twice": ("canary", "", b'{"weight": 0.1, "weight": 1}'),
    "a nested key that occurs twice": (
        "canary",
        "",
        b'{"weight": 0.1, "limits": {"maxErrorRatio": 0.1, "maxErrorRatio": 0.9}}',
    ),
    "a key in Python's spelling": ("canary", "max_error_ratio", b'{"weight": 0.1, "limits": {"max_error_ratio": 0.1}}'),
    "half a character": ("abort", "", b'{"reason": "\\ud800"}'),
    "another encoding": ("abort", "", '{"reason": "x"}'.encode("utf-16")),
    "two documents": ("abort", "", b"{} {}"),
    "a deep nest": ("abort", "", b'{"reason": ' + b"[" * 5_000 + b"]" * 5_000 + b"}"),
    "a huge number": ("canary", "", b'{"weight": ' + b"9" * 5_000 + b"}"),
    "a weight for a promotion": ("promote", "weight", b'{"weight": 0.1}'),
    "a sample for a canary": ("canary", "sample", b'{"weight": 0.1, "sample": 1}'),
    "a sample of nothing": ("shadow", "sample", b'{"sample": 0}'),
    "limits for a shadow": ("shadow", "limits", b'{"limits": {}}'),
    "an unknown limit": ("canary", "maxErrors", b'{"weight": 0.1, "limits": {"maxErrors": 1}}'),
    "an endless reason": ("abort", "reason", b'{"reason": "' + b"x" * 1_001 + b'"}'),
    "somebody else": ("abort", "by", b'{"by": "somebody else"}'),
    "no JSON": ("abort", "", b"{"),
    "no object": ("abort", "", b"[]"),
}


@pytest.mark.parametrize(("action", "name", "body"), WRONG.values(), ids=WRONG.keys())
def test_an_invalid_move_is_rejected_by_name(
    api: TestClient, queue: FakeJobQueue, action: str, name: str, body: bytes
) -> None:
    answer = api.post(f"{MODELS}/2/{action}", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 422
    assert name in json.dumps(answer.json()["detail"][0]["loc"])
    assert queue.jobs == {}


@pytest.mark.parametrize("body", [b'{"weight": 1.0}', b'{"weight": 0.0001}', b'{"weight": 1}'])
def test_the_limits_of_a_weight_are_accepted(api: TestClient, queue: FakeJobQueue, body: bytes) -> None:
    assert api.post(f"{MODELS}/2/canary", content=body, headers={"content-type": "application/json"}).status_code == 202
    assert len(queue.jobs) == 1


@pytest.mark.parametrize(
    "version",
    [
        *(
            "a" * 21,
            "1%20",
            "%C3%A9",
            "1;2",
            "*",
            "1%0A",
            "$(ls)",
            "007",
            "01",
            "0",
            "-1",
            "+1",
            "1.0",
            "1e0",
            "latest",
        ),
        *("9" * 20, "2147483648", "9999999999", "%D9%A3", "%00"),
    ],
)
def test_an_invalid_version_is_rejected(api: TestClient, queue: FakeJobQueue, version: str) -> None:
    answer = api.post(f"{MODELS}/{version}/promote")
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["path", "version"]
    assert queue.jobs == {}


def test_a_version_of_nine_digits_is_accepted(api: TestClient, queue: FakeJobQueue) -> None:
    assert api.post(f"{MODELS}/999999999/promote").status_code == 202
    assert len(queue.jobs) == 1


def test_unknown_moves_are_rejected(api: TestClient, queue: FakeJobQueue) -> None:
    assert api.post(f"{MODELS}/2/delete").status_code == 404
    assert api.post(f"{MODELS}/1%2F2/promote").status_code == 404
    assert api.get(f"{MODELS}/2/promote").status_code == 405
    assert queue.jobs == {}


def test_repeating_an_idempotency_key_returns_the_same_move(api: TestClient, queue: FakeJobQueue) -> None:
    key = {"idempotency-key": "once"}
    first, second = (api.post(f"{MODELS}/2/promote", headers=key) for _ in range(2))
    assert first.json()["id"] == second.json()["id"]
    assert len(queue.jobs) == 1
    for path in (f"{MODELS}/3/promote", f"{MODELS}/2/abort"):
        answer = api.post(path, headers=key)
        assert (answer.status_code, answer.json()["type"]) == (422, "urn:housing-price:problem:idempotency-key-reused")


def test_moves_require_jobs(api: TestClient) -> None:
    answer = api.post(f"{MODELS}/2/promote")
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:housing-price:problem:jobs-off")


def test_an_unreachable_queue_is_a_503(api: TestClient, queue: FakeJobQueue) -> None:
    queue.error = JobsUnavailable("away")
    answer = api.post(f"{MODELS}/2/promote")
    assert answer.status_code == 503
    assert answer.headers["retry-after"]


def test_moving_and_listing_versions_requires_the_admin_scope(
    stub: StubModelServer, start_app: StartApp, tmp_path: Path
) -> None:
    keys = tmp_path / "keys.json"
    admin, other = new_key(keys, "admin"), new_key(keys, "predict", "jobs")
    client = start_app(stub.url, auth={"keys_file": keys})
    queue = with_jobs(client, tmp_path / "jobs")
    for ask in (partial(client.post, f"{MODELS}/2/promote"), partial(client.get, MODELS)):
        assert ask().status_code == 401
        assert ask(headers=bearer(other)).status_code == 403
    assert queue.jobs == {}
    answer = client.post(f"{MODELS}/2/promote", headers=bearer(admin))
    assert answer.status_code == 202
    (job,) = queue.jobs.values()
    assert job.arguments["by"] == job.owner != ""
    # The scope `jobs` does not show the jobs of others.
    assert client.get(f"/api/v1/jobs/{job.id}", headers=bearer(other)).status_code == 404


def test_without_a_routes_file_the_configured_addresses_are_listed(api: TestClient, stub: StubModelServer) -> None:
    api.post(PREDICT, content=house_bytes())
    document = api.get(MODELS).json()
    assert (document["revision"], document["isFileUsable"], document["canary"], document["shadow"]) == (
        0,
        None,
        None,
        None,
    )
    champion = document["champion"]
    assert (champion["version"], champion["addresses"], champion["weight"]) == ("unknown", [stub.url], 1.0)
    assert champion["registryPage"] is None
    assert document["tools"] == {"mlflow": None, "grafana": None}
    assert champion["seen"]["requests"] == 1
    assert 0 < champion["seen"]["p50Seconds"] <= champion["seen"]["p99Seconds"]


def test_listed_addresses_contain_no_passwords(stub: StubModelServer, start_app: StartApp, tmp_path: Path) -> None:
    file = tmp_path / "routes.json"
    address = stub.url.replace("http://", "http://user:SECRET@")
    file.write_text(routes_json(7, a_route("1", address), canary=a_route("2", address, weight=0.25)), encoding="utf-8")
    registry = "http://user:SECRET@mlflow.example:9999/base/"
    groups = {
        "model_server": {"routes_file": file, "registry_url": registry},
        "page": {"grafana_url": "https://user:SECRET@grafana.example/?token=SECRET#SECRET"},
    }
    client = start_app(stub.url, **groups)
    answer = client.get(MODELS)
    document = answer.json()
    assert (document["revision"], document["isFileUsable"]) == (7, True)
    page = "http://mlflow.example:9999/base/#/models/housing-price/versions"
    assert [document[role]["registryPage"] for role in ("champion", "canary")] == [f"{page}/1", f"{page}/2"]
    assert (document["champion"]["version"], document["champion"]["modelId"]) == ("1", "model-1")
    assert document["champion"]["addresses"] == [stub.url]
    # The stub serves model stub-1 and not model-2, so it gets no requests as a canary.
    assert (document["canary"]["version"], document["canary"]["weight"]) == ("2", 0.0)
    assert document["stopped"] is None
    assert document["tools"] == {"mlflow": "http://mlflow.example:9999/base/", "grafana": "https://grafana.example/"}
    assert "SECRET" not in answer.text
