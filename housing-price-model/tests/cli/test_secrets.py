"""Passwords in the addresses of the registry and of databases are never printed, and text is no markup."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from housing_price_model.cli.app import app
from housing_price_model.console import output
from housing_price_model.errors import HousingPriceModelError
from housing_price_model.registry.versions import connect

PASSWORD = "hunter2"  # noqa: S105 - not a secret
REGISTRIES = ["http://me:hunter2@127.0.0.1:1", "http://me:hunter%322@127.0.0.1:1", "http://hunter2@127.0.0.1:1"]
MALFORMED = ["http://me:hun/ter2@127.0.0.1:1", "http://me:hun#ter2@127.0.0.1:1", "http://me:hun?ter2@127.0.0.1:1"]

COMMANDS = [
    ("export", "--to", "there"),
    ("evaluate", "--data", "houses.csv"),
    ("candidate", "--run", "there"),
    ("verify", "http://127.0.0.1:1"),
    ("serve",),
]


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, arguments)
    assert isinstance(result.exception, SystemExit), result.exception
    return result.output


@pytest.mark.parametrize("arguments", COMMANDS, ids=[command[0] for command in COMMANDS])
@pytest.mark.parametrize("registry", [*REGISTRIES, *MALFORMED])
def test_commands_hide_the_password_of_the_registry(
    arguments: tuple[str, ...], registry: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.chdir(tmp_path)
    printed = run(*arguments, "--tracking-uri", registry)
    assert "error: " in printed
    assert not any(part in printed for part in ("hun", "ter2", "hunter%322"))


DATABASES = [
    "postgresql://me:hunter2@127.0.0.1:1/log",
    "postgresql://127.0.0.1:1/log?user=me&password=hunter2",
    "postgresql://me:hunter2@127.0.0.1:port/log",
    "mysql://me:hunter2@127.0.0.1/log",
    "hunter2",
]


@pytest.mark.parametrize("url", DATABASES)
@pytest.mark.parametrize("command", ["drift", "realised-error", "replay --model there", "compare-shadow 2"])
def test_commands_hide_the_password_of_a_database(
    command: str, url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PREDICTION_LOG_URL", url)
    printed = run(*command.split())
    assert "error: " in printed
    assert PASSWORD not in printed


@pytest.mark.full
@pytest.mark.parametrize("url", [DATABASES[0], DATABASES[2]])
def test_a_worker_hides_the_password_of_its_database(url: str, tmp_path: Path) -> None:
    # In a process of its own, because DBOS can be started only once.
    result = subprocess.run(
        [sys.executable, "-m", "housing_price_model", "worker"],
        env=os.environ | {"HOUSING_PRICE_JOBS_URL": url},
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )
    assert result.returncode == 1, result.stdout
    assert "error: " in result.stdout
    assert PASSWORD not in result.stdout


def test_errors_never_hold_a_password() -> None:
    error = HousingPriceModelError("http://me:hunter2@host: no answer (host=db password=hunter2)")
    assert str(error) == "http://me:***@host: no answer (host=db password=***)"
    with pytest.raises(HousingPriceModelError, match="percent-encode"):
        connect(MALFORMED[0])


def test_paths_with_brackets_are_printed_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    output.print("Exported to /tmp/[/red]/[bold]x.")
    assert capsys.readouterr().out == "Exported to /tmp/[/red]/[bold]x.\n"
    printed = run("serve", "[/red][bold]nowhere\x1b[2J")
    assert r"[/red][bold]nowhere\x1b[2J: manifest.json not found" in printed
