"""The result of the scheduled drift check, as operators read it."""

import json
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from conftest import StartApp
from factories import bearer, new_key
from servers import StubModelServer

DRIFT = "/api/v1/models/drift"

ALARM = {"family": "inputs", "subject": "GrLivArea", "says": "KS 0.31", "measure": "ks", "effect": 0.31}
MODEL = {"model_id": "m-1", "name": "price", "model_version": "3", "verdict": "alarm", "rows": 500, "alarms": [ALARM]}
RESULT = {
    "version": 1,
    "checked_at": "2026-11-30T06:00:00Z",
    "from": "2026-11-29T06:00:00Z",
    "to": None,
    "is_alarm": True,
    "models": [MODEL],
    "unjudged": [{"model_id": "m-0", "rows": 7, "reason": "no profile"}],
}


def state_of(client: TestClient) -> dict[str, Any]:
    answer = client.get(DRIFT)
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "drift.json"


@pytest.fixture
def client(start_app: StartApp, stub: StubModelServer, file: Path) -> TestClient:
    return start_app(stub.url, drift={"file": file})


def test_without_a_file_no_check_is_configured(api: TestClient) -> None:
    assert state_of(api) == {"state": "off", "check": None}


def test_before_the_first_check_there_is_no_result(client: TestClient) -> None:
    assert state_of(client) == {"state": "unchecked", "check": None}


def test_the_result_names_models_and_differences(client: TestClient, file: Path) -> None:
    file.write_text(json.dumps(RESULT))
    assert state_of(client) == {
        "state": "checked",
        "check": {
            "checkedAt": "2026-11-30T06:00:00Z",
            "since": "2026-11-29T06:00:00Z",
            "until": None,
            "isAlarm": True,
            "models": [
                {
                    "name": "price",
                    "version": "3",
                    "modelId": "m-1",
                    "verdict": "alarm",
                    "rows": 500,
                    "alarms": [{"family": "inputs", "subject": "GrLivArea", "says": "KS 0.31"}],
                }
            ],
            "unchecked": [{"modelId": "m-0", "rows": 7, "reason": "no profile"}],
        },
    }


def test_each_request_reads_the_latest_result(client: TestClient, file: Path) -> None:
    file.write_text(json.dumps(RESULT))
    assert state_of(client)["check"]["isAlarm"]
    file.write_text(json.dumps(RESULT | {"is_alarm": False, "models": []}))
    assert not state_of(client)["check"]["isAlarm"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0" * 100,
        b"{",
        b"[]",
        b"\xff\xfe",
        b"[" * 100_000,
        json.dumps(RESULT | {"version": 2}).encode(),
        json.dumps(RESULT | {"models": [MODEL | {"verdict": "perhaps"}]}).encode(),
        json.dumps(RESULT | {"checked_at": "yesterday"}).encode(),
    ],
    ids=["empty", "NULs", "cut", "list", "no UTF-8", "deep", "version", "verdict", "time"],
)
def test_a_damaged_result_is_unreadable_and_no_error(client: TestClient, file: Path, content: bytes) -> None:
    file.write_bytes(content)
    assert state_of(client) == {"state": "unreadable", "check": None}


def test_a_folder_in_the_place_of_the_file_is_unreadable(client: TestClient, file: Path) -> None:
    file.mkdir()
    assert state_of(client) == {"state": "unreadable", "check": None}


@pytest.mark.parametrize(("scope", "status"), [("admin", 200), ("predict", 403), ("jobs", 403)])
def test_only_operators_read_it(
    start_app: StartApp, stub: StubModelServer, tmp_path: Path, scope: Any, status: int
) -> None:
    key = new_key(tmp_path / "keys.json", scope)
    client = start_app(stub.url, auth={"keys_file": tmp_path / "keys.json"})
    assert client.get(DRIFT, headers=bearer(key)).status_code == status
