"""Text of a server or of the registry never reaches the terminal as control characters or as markup."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mlflow.tracking import MlflowClient
from typer.testing import CliRunner

from housing_price.cli import app
from housing_price_model.registry.life_records import LifeRecords
from housing_price_model.registry.names import NAME
from housing_price_model.registry.records import Record
from housing_price_model.registry.states import State
from http_server import Answer, Request, running_http_server

from ..lifecycle_store import new_store

pytestmark = [
    pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning"),
    pytest.mark.filterwarnings("ignore:.*Any type hint:UserWarning"),  # of the first import of the served model
]

EVIL = "\x1b]0;owned\x07\x1b[8m\r[red]x[/red][/none]\x9b2J\u202e\u2028\u2066\ud800"
UNSAFE = {"\x1b", "\x07", "\r", "\x9b", "\u202e", "\u2028", "\u2066", "\ud800"}


def run(*arguments: str) -> str:
    # Wide enough that no cell is wrapped.
    result = CliRunner().invoke(app, arguments, env={"COLUMNS": "600"})
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert not UNSAFE & set(result.output)
    return result.output


def evil_job(state: str) -> dict[str, Any]:
    return {
        "id": EVIL,
        "type": EVIL,
        "state": state,
        "progress": {"stepsDone": 1, "stepsTotal": 2, "step": EVIL},
        "createdAt": EVIL,
        "error": {"code": EVIL, "detail": EVIL},
    }


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """Serve the document and the status in this dictionary at every path."""
    answer: dict[str, Any] = {"status": 200, "document": {}}

    def answered(_: Request) -> Answer:
        return Answer(json.dumps(answer["document"]).encode(), answer["status"])

    with running_http_server(answered) as url:
        monkeypatch.setenv("HOUSING_PRICE_API_URL", url)
        yield answer


COMMANDS = [
    "jobs show x",
    "jobs watch x",
    "jobs cancel x",
    "jobs submit",
    "models promote 2",
    "models rollback 2 --watch",
]


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("state", ["failed", "succeeded"])
def test_jobs_are_printed_without_control_characters(answers: dict[str, Any], command: str, state: str) -> None:
    answers["document"] = evil_job(state)
    assert run(*command.split())


def test_a_list_of_jobs_shows_markup_as_text(answers: dict[str, Any]) -> None:
    answers["document"] = {"jobs": [evil_job(EVIL)], "nextOffset": None}
    assert r"\x1b]0;owned\x07\x1b[8m\r[red]x[/red][/none]\x9b2J\u202e\u2028\u2066\ud800" in run("jobs", "list")


@pytest.mark.parametrize("document", [{"title": EVIL, "detail": EVIL}, {"detail": [{"loc": [EVIL], "msg": EVIL}]}])
def test_problems_are_printed_without_control_characters(answers: dict[str, Any], document: object) -> None:
    answers.update(status=422, document=document)
    for command in COMMANDS:
        assert "[red]x[/red]" in run(*command.split())


def test_an_answer_that_is_not_json_is_one_line() -> None:
    with running_http_server(lambda _: Answer(b"<html>\x1b]0;x\x07")) as url:
        output = run("jobs", "show", "x", "--url", url)
    assert output.count("\n") == 1
    assert "does not answer with JSON" in output


def test_the_address_of_the_api_is_printed_without_its_password() -> None:
    for url in ("http://me:hunter2@127.0.0.1:1", "http://me:hun/ter2@127.0.0.1:1", "http://me:hun#ter2@[::1"):
        output = run("jobs", "list", "--url", url)
        assert "***" in output
        assert not any(part in output for part in ("hun", "ter2"))


def test_the_history_of_a_version_shows_hostile_text_as_text(tmp_path: Path) -> None:
    uri = new_store(tmp_path)
    client = MlflowClient(uri)
    client.create_registered_model(NAME)
    version = str(client.create_model_version(NAME, str(tmp_path)).version)
    record = Record("job", "2026-11-30T10:00:00", EVIL[:-1], EVIL[:-1], "promote", State.CHALLENGER, State.CHAMPION)
    LifeRecords(client).write(version, record)
    assert "promote" in run("models", "list", "--tracking-uri", uri)
    assert r"\x1b[8m\r[red]x[/red][/none]\x9b2J\u202e\u2028\u2066" in run(
        "models", "show", version, "--tracking-uri", uri
    )
