"""`housing-price jobs` against a fake API that answers like the real one."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from housing_price.cli import app
from http_server import Answer, Request, running_http_server

PRICES = b"row,id,predictedPrice\r\n1,7,100000.0\r\n"
REFUSED = b'{"row":2,"code":"invalid-document"}\n'
GATE = [
    {"check": "RMSLE", "passed": True, "says": "0.1200 (maximum 0.1500)"},
    {"check": "golden answers", "passed": False, "says": "19 of 20 reproduced bit for bit"},
    {"check": "interval coverage, minimum", "passed": False, "says": "0.8000 (minimum 0.8700): too low by 0.0700"},
]


class Api:
    """A fake API with one job, which finishes after two requests."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str, dict[str, str], bytes]] = []
        self.ends_as = "succeeded"
        self.kind = "scoring"
        self.rows: dict[str, int] | None = {"rowsPriced": 10, "rowsRefused": 0}
        self.error = {"code": "input-unusable", "detail": "No header."}
        self.report: dict[str, Any] | None = None
        self.url = ""
        self._requests = 0

    def job(self) -> dict[str, Any]:
        self._requests += 1
        is_done = self._requests > 2
        return {
            "id": "a" * 32,
            "type": self.kind,
            "state": self.ends_as if is_done else "running",
            "progress": {"rowsDone": 10 if is_done else 5, "rowsTotal": 10},
            "createdAt": "2026-01-01T00:00:00.123456Z",
            "error": self.error if self.ends_as == "failed" else None,
            "result": self.rows if is_done and self.kind == "scoring" else None,
        }

    def answer(self, path: str) -> tuple[int, bytes]:
        if path.endswith(("/unknown", "/unknown/result")):
            return 404, b'{"title": "No such job", "detail": "You have no job with this id."}'
        if path.endswith("/refused"):
            return 200, REFUSED
        if path.endswith("/result"):
            return (200, PRICES) if self.report is None else (200, json.dumps(self.report).encode())
        job = self.job()
        return 200, json.dumps({"jobs": [job], "nextOffset": None} if "?" in path else job).encode()


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    made = Api()

    def answer(request: Request) -> Answer:
        made.seen.append((request.method, request.path, request.headers, request.body))
        status, body = made.answer(request.path)
        return Answer(body, status)

    monkeypatch.setattr("housing_price.remote.api.POLL_SECONDS", 0.01)
    with running_http_server(answer) as made.url:
        monkeypatch.setenv("HOUSING_PRICE_API_URL", made.url)
        monkeypatch.setenv("HOUSING_PRICE_API_KEY", "hp_secret")
        yield made


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["jobs", *arguments])
    return result.exit_code, result.output


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".txt"])
def test_submit_sends_the_file_and_the_api_key_and_follows_the_job_to_its_end(
    api: Api, tmp_path: Path, suffix: str
) -> None:
    file = tmp_path / f"houses{suffix}"
    file.write_bytes(b"id\n1\n")
    status, output = run("submit", str(file), "--watch", "--idempotency-key", "once")
    assert status == 0, output
    assert re.search(r"^a{32}$", output, re.MULTILINE)
    assert output.rstrip().endswith("succeeded\n10 priced, 0 refused")
    method, path, headers, body = api.seen[0]
    assert (method, path, body) == ("POST", "/api/v1/jobs/scoring", b"id\n1\n")
    assert headers["content-type"] == "text/csv"
    assert headers["authorization"] == "Bearer hp_secret"
    assert headers["idempotency-key"] == "once"


def test_watching_a_job_with_refused_rows_counts_them_and_exits_with_3(api: Api, tmp_path: Path) -> None:
    api.rows = {"rowsPriced": 498, "rowsRefused": 2}
    status, output = run("watch", "a" * 32)
    assert (status, output.splitlines()[-2:]) == (3, ["succeeded", "498 priced, 2 refused"])
    file = tmp_path / "houses.csv"
    file.write_bytes(b"id\n1\n")
    assert run("submit", str(file), "--watch")[0] == 3
    assert run("submit", str(file))[0] == 0


def test_watching_a_failed_job_prints_the_reason_and_exits_with_1(api: Api) -> None:
    api.ends_as, api.rows = "failed", {"rowsPriced": 0, "rowsRefused": 0}
    status, output = run("watch", "a" * 32)
    assert status == 1
    assert "The job failed (input-unusable): No header." in output
    assert "priced" not in output


def test_watching_a_job_that_priced_no_row_counts_the_refused_rows_and_exits_with_1(api: Api) -> None:
    api.ends_as, api.rows = "failed", {"rowsPriced": 0, "rowsRefused": 500}
    api.error = {"code": "no-row-priced", "detail": "None of the 500 rows was priced."}
    status, output = run("watch", "a" * 32)
    assert status == 1
    assert "0 priced, 500 refused" in output
    assert "The job failed (no-row-priced)" in output


def test_watching_a_training_whose_gate_fails_names_the_checks_and_exits_with_3(api: Api) -> None:
    api.kind, api.report = "training", {"version": None, "isChallenger": False, "gate": GATE, "metrics": {}}
    status, output = run("watch", "a" * 32)
    assert status == 3
    assert "The gate failed, so nothing was registered. Failed checks: 2" in output
    assert "golden answers: 19 of 20 reproduced bit for bit" in output
    assert "interval coverage, minimum: 0.8000" in output
    assert "RMSLE: " not in output
    assert "gate failed: golden answers, interval coverage, minimum" in run("list")[1]
    shown = CliRunner().invoke(app, ["jobs", "show", "a" * 32])
    assert json.loads(shown.stdout)["type"] == "training"
    assert "golden answers: 19 of 20" in shown.stderr


def test_watching_a_training_whose_gate_passes_names_the_version(api: Api) -> None:
    api.kind, api.report = "training", {"version": "7", "isChallenger": True, "gate": GATE[:1], "metrics": {}}
    status, output = run("watch", "a" * 32)
    assert (status, output.splitlines()[-1]) == (0, "The gate passed. Version 7 is the challenger.")
    api.report = {"version": None, "isChallenger": False, "gate": GATE[:1], "metrics": {}, "sameAs": "1"}
    status, output = run("watch", "a" * 32)
    assert status == 0
    assert output.splitlines()[-1] == ("Nothing changed: the model is identical to version 1. Nothing was registered.")
    assert "same as version 1" in run("list")[1]


def test_watching_a_training_names_the_version_of_the_comparables_model(api: Api) -> None:
    passed = {"version": "7", "isChallenger": True, "gate": GATE[:1], "metrics": {}}
    same = passed | {"version": None, "isChallenger": False, "sameAs": "1"}
    new, known = {"version": "3", "isChallenger": True}, {"version": None, "isChallenger": False, "sameAs": "2"}
    is_challenger = "Version 3 of the comparables model is its challenger."
    for report, lines in (
        (passed | {"comparables": new}, ["The gate passed. Version 7 is the challenger.", is_challenger]),
        (passed | {"comparables": known}, ["The gate passed. Version 7 is the challenger."]),
        (same | {"comparables": new}, ["The gate passed. The price model is identical to version 1.", is_challenger]),
        (
            same | {"comparables": known},
            ["Nothing changed: the model is identical to version 1. Nothing was registered."],
        ),
    ):
        api.kind, api.report = "training", report
        status, output = run("watch", "a" * 32)
        assert (status, output.splitlines()[-len(lines) :]) == (0, lines)


@pytest.mark.parametrize(
    ("state", "previous", "expected"),
    [
        ("champion", "1", "Version 2 is now champion; the previous champion was version 1."),
        ("archived", "1", "Version 1 is champion again; version 2 is now archived."),
        ("canary", None, "Version 2 is now canary."),
    ],
)
def test_watching_a_move_names_the_new_state(api: Api, state: str, previous: str | None, expected: str) -> None:
    api.kind, api.report = "lifecycle", {"version": "2", "state": state, "previous": previous, "revision": 8}
    status, output = run("watch", "a" * 32)
    assert status == 0
    assert output.splitlines()[-1] == expected


def test_watching_a_move_of_the_comparables_model_names_the_model(api: Api) -> None:
    api.kind = "lifecycle"
    api.report = {"model": "comparables", "version": "2", "state": "champion", "previous": "1", "revision": 8}
    assert run("watch", "a" * 32)[1].splitlines()[-1] == (
        "Version 2 of the comparables model is now champion; the previous champion was version 1."
    )


def test_moves_of_the_comparables_model_have_their_own_paths(api: Api) -> None:
    for arguments in (["promote", "2"], ["rollback", "2", "--reason", "worse"]):
        result = CliRunner().invoke(app, ["models", *arguments, "--model", "comparables"])
        assert (result.exit_code, result.output) == (0, f"{'a' * 32}\n")
    assert [path for _, path, _, _ in api.seen] == [
        "/api/v1/models/comparables/2/promote", "/api/v1/models/comparables/2/rollback",
    ]  # fmt: skip


def test_watching_a_cancelled_job_says_so_and_exits_with_1(api: Api) -> None:
    api.ends_as = "cancelled"
    status, output = run("watch", "a" * 32)
    assert status == 1
    assert "housing-price: The job was cancelled." in output


def test_jobs_are_listed_shown_and_cancelled(api: Api) -> None:
    assert "5/10" in run("list")[1]
    assert json.loads(run("show", "a" * 32)[1])["state"] == "running"
    api.ends_as = "cancelled"
    assert run("cancel", "a" * 32) == (0, "cancelled\n")
    assert [method for method, *_ in api.seen] == ["GET", "GET", "DELETE"]


def test_without_a_terminal_a_list_is_plain_lines_with_nothing_cut_off(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    api.job(), api.job()
    header, line = run("list")[1].splitlines()
    assert header.split("\t") == ["Id", "Type", "State", "Progress", "Submitted", "Outcome"]
    assert line.split("\t") == [
        *("a" * 32, "scoring", "succeeded", "10/10", "2026-01-01T00:00:00.123456Z", "10 priced, 0 refused")
    ]


def test_results_are_saved_or_printed(api: Api, tmp_path: Path) -> None:
    target = tmp_path / "prices.csv"
    assert run("result", "a" * 32, "-o", str(target))[0] == 0
    assert target.read_bytes() == PRICES
    refused = CliRunner().invoke(app, ["jobs", "result", "a" * 32, "--refused"])
    assert (refused.exit_code, refused.stdout_bytes) == (0, REFUSED)
    assert [path for _, path, *_ in api.seen] == [f"/api/v1/jobs/{'a' * 32}/{name}" for name in ("result", "refused")]
    assert list(tmp_path.iterdir()) == [target]


def test_a_result_that_cannot_be_saved_leaves_no_file(api: Api, tmp_path: Path) -> None:
    status, output = run("result", "unknown", "-o", str(tmp_path / "prices.csv"))
    assert (status, output) == (1, "housing-price: 404: No such job. You have no job with this id.\n")
    status, output = run("result", "a" * 32, "-o", str(tmp_path / "no-folder" / "prices.csv"))
    assert status == 1
    assert "cannot be written" in output
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".txt", ".ndjson", ".jsonl", ".parquet"])
def test_a_training_is_ordered_with_a_file_of_data_or_with_an_order(api: Api, tmp_path: Path, suffix: str) -> None:
    data, order, folder = tmp_path / f"sales{suffix}", tmp_path / "order.json", tmp_path / "data"
    data.write_bytes(b"Id,SalePrice\n1,100000\n")
    order.write_bytes(b'{"seed": 7}')
    for _ in range(2):
        assert run("submit", "--train", str(data), "--data-folder", str(folder))[0] == 0
    (copied,) = folder.iterdir()
    assert (copied.read_bytes(), copied.suffix) == (data.read_bytes(), suffix)
    assert run("submit", "--train", str(order))[0] == 0
    assert run("submit")[0] == 0
    assert [path for _, path, *_ in api.seen] == ["/api/v1/jobs/training"] * 4
    bodies = [json.loads(body) for *_, body in api.seen]
    assert bodies == [{"source": "csv", "data": copied.name}] * 2 + [{"seed": 7}, {}]
    assert {headers["content-type"] for *_, headers, _ in api.seen} == {"application/json"}


def test_a_file_that_cannot_be_trained_on_is_refused(api: Api, tmp_path: Path) -> None:
    data = tmp_path / "sales.csv"
    data.write_bytes(b"Id\n1\n")
    assert "not both" in run("submit", str(data), "--train", str(data))[1]
    assert "cannot be read" in run("submit", "--train", str(tmp_path / "none.csv"))[1]
    assert "unsupported file type" in run("submit", "--train", str(tmp_path / "sales.xls"))[1]
    status, output = run("submit", "--train", str(data), "--url", "http://192.0.2.1")
    assert (status, "--data-folder" in output) == (1, True)
    assert api.seen == []


def test_every_failure_prints_a_message_and_no_traceback(api: Api, tmp_path: Path) -> None:
    assert run("show", "unknown") == (1, "housing-price: 404: No such job. You have no job with this id.\n")
    assert "houses.xls: unsupported file type" in run("submit", str(tmp_path / "houses.xls"))[1]
    assert "nosuch.csv: file not found." in run("submit", str(tmp_path / "nosuch.csv"))[1]
    status, output = run("list", "--url", "http://127.0.0.1:1")
    assert (status, "no response" in output) == (1, True)
    assert "Traceback" not in output
