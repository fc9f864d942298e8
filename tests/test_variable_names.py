"""Misspelt environment variables stop every program, and the check knows every variable that a program reads."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

import housing_price.cli
import housing_price_model.cli.app
import housing_price_orchestrator.cli.main
import mlflow_server.cli
from housing_price_model.settings import TRACKING_URI
from housing_price_orchestrator.settings import list_settings
from housing_price_platform.environment.secret_files import SECRETS
from housing_price_platform.environment.variables import SHARED_PREFIXES, SharedVariable
from mlflow_server.environment import Variable

RUNNER, MODEL, ORCHESTRATOR, TRACKING = (
    housing_price.cli.app,
    housing_price_model.cli.app.app,
    housing_price_orchestrator.cli.main.app,
    mlflow_server.cli.app,
)
VALUE = "hunter2"
REPOSITORY = Path(__file__).parents[1]

COMMANDS = [
    (RUNNER, "up"),
    (RUNNER, "doctor"),
    (RUNNER, "jobs list"),
    (RUNNER, "models list"),
    (MODEL, "serve folder"),
    (MODEL, "train"),
    (MODEL, "candidate"),
    (MODEL, "drift --log sqlite:///none.db"),
    (MODEL, "worker --queue lifecycle"),
    (ORCHESTRATOR, "serve"),
    (ORCHESTRATOR, "worker"),
    (ORCHESTRATOR, "keys list"),
    (ORCHESTRATOR, "keys list --file none.json"),
    (ORCHESTRATOR, "keys create me --file none.json"),
    (ORCHESTRATOR, "database upgrade"),
    (TRACKING, "serve"),
]
MISSPELT = {
    id(RUNNER): ("HOUSING_PRICE_APIKEY", "HOUSING_PRICE_API_KEY"),
    id(MODEL): ("HOUSING_PRICE_JOB_URL", "HOUSING_PRICE_JOBS_URL"),
    id(ORCHESTRATOR): ("ORCHESTRATOR_AUTH_KEYS_FILE", "ORCHESTRATOR_AUTH__KEYS_FILE"),
    id(TRACKING): ("MLFLOW_BACKEND_STORE_URL", "MLFLOW_BACKEND_STORE_URI"),
}


@pytest.mark.parametrize(("app", "command"), COMMANDS, ids=[command for _, command in COMMANDS])
def test_a_misspelt_variable_stops_every_command(
    app: typer.Typer, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    misspelt, meant = MISSPELT[id(app)]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(misspelt, VALUE)
    result = CliRunner().invoke(app, command.split())
    assert result.exit_code == 2, result.output
    assert f"{misspelt} is not a setting; did you mean {meant}?" in result.output.replace("\n", " ")
    assert VALUE not in result.output
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("app", "misspelt", "meant"),
    [
        (MODEL, "MLFLOW_TRACKING_URL", "MLFLOW_TRACKING_URI"),
        (MODEL, "PREDICTION_LOG_URI", "PREDICTION_LOG_URL"),
        (MODEL, "housing_price_jobs_url", "HOUSING_PRICE_JOBS_URL"),
        (RUNNER, "MLFLOW_TRAKING_URI", "MLFLOW_TRACKING_URI"),
        (TRACKING, "MLFLOW_SERVER_ALLOWED_HOST", "MLFLOW_SERVER_ALLOWED_HOSTS"),
        (TRACKING, "MLFLOW_BACKEND_STORE_URI_FIL", "MLFLOW_BACKEND_STORE_URI_FILE"),
        (MODEL, "HOUSING_PRICE_JOBSURL_FILE", "HOUSING_PRICE_JOBS_URL_FILE"),
        (MODEL, "MLFLOW_TRACKING_PASWORD", "MLFLOW_TRACKING_PASSWORD"),
    ],
)
def test_variables_of_other_prefixes_are_checked_too(
    app: typer.Typer, misspelt: str, meant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(misspelt, VALUE)
    command = {id(RUNNER): "doctor", id(MODEL): "train", id(TRACKING): "serve"}[id(app)]
    result = CliRunner().invoke(app, [command])
    assert (result.exit_code, result.output.count(meant)) == (2, 1)


@pytest.mark.parametrize(
    ("app", "command", "secret"),
    [
        (RUNNER, "up", "ORCHESTRATOR_JOBS__DATABASE_URL"),
        (RUNNER, "jobs list", SharedVariable.API_KEY),
        (MODEL, "train", "MLFLOW_TRACKING_PASSWORD"),
        (MODEL, "worker --queue lifecycle", SharedVariable.JOBS_URL),
        (ORCHESTRATOR, "serve", "ORCHESTRATOR_PREDICTION_LOG__URL"),
        (ORCHESTRATOR, "worker", "AWS_SECRET_ACCESS_KEY"),
        (ORCHESTRATOR, "database upgrade", "ORCHESTRATOR_PREDICTION_LOG__URL"),
        (TRACKING, "serve", "MLFLOW_BACKEND_STORE_URI"),
    ],
)
def test_a_secret_that_cannot_be_read_from_its_file_stops_every_program(
    app: typer.Typer, command: str, secret: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(secret, raising=False)
    monkeypatch.setenv(f"{secret}_FILE", "none")
    missing = CliRunner().invoke(app, command.split())
    monkeypatch.setenv(secret, VALUE)
    both = CliRunner().invoke(app, command.split())
    assert (missing.exit_code, both.exit_code) == (2, 2), missing.output + both.output
    assert f"{secret}_FILE: cannot read none: No such file or directory\n" in missing.output
    assert f"{secret}_FILE and {secret} are both set: set only one of them\n" in both.output
    assert VALUE not in both.output
    assert list(tmp_path.iterdir()) == []


MYSQL = "mysql://x/y"


@pytest.mark.parametrize(
    ("app", "command", "file", "message"),
    [
        (ORCHESTRATOR, "database upgrade", ("ORCHESTRATOR_PREDICTION_LOG__URL", MYSQL), "must be sqlite:///FILE"),
        (TRACKING, "serve", ("MLFLOW_BACKEND_STORE_URI", "sqlite:////dev/null/x.db"), "/dev/null"),
    ],
)
def test_a_setting_has_the_value_of_its_file(
    app: typer.Typer, command: str, file: tuple[str, str], message: str, tmp_path: Path
) -> None:
    secret, value = file
    path = tmp_path / "secret"
    path.write_text(f"{value}\n", encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path)
        patch.setenv(secret, "")  # also restores the variable, which the program sets
        patch.setenv(f"{secret}_FILE", str(path))
        result = CliRunner().invoke(app, command.split())
    assert result.exit_code in {1, 2}, result.output
    assert message in result.output


def test_every_variable_that_may_contain_a_password_can_come_from_a_file() -> None:
    urls = {name for name, _, meaning in list_settings() if "postgresql" in meaning or "Redis" in meaning}
    assert urls == {name for name in SECRETS if name.startswith("ORCHESTRATOR_")}
    assert {*SharedVariable, *Variable} & set(SECRETS) == {
        SharedVariable.API_KEY,
        SharedVariable.JOBS_URL,
        SharedVariable.PREDICTION_LOG_URL,
        Variable.BACKEND_STORE_URI,
    }


def test_a_misspelt_variable_stops_the_mlserver_program() -> None:
    source = REPOSITORY / "housing-price-model" / "mlserver" / "src"
    result = subprocess.run(
        [sys.executable, "-c", "from housing_price_mlserver.cli import main; main()", "folder"],
        env=os.environ | {"PYTHONPATH": str(source), "HOUSING_PRICE_DIGEST": VALUE},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (result.returncode, result.stderr) == (
        2,
        "error: HOUSING_PRICE_DIGEST is not a setting; did you mean HOUSING_PRICE_MODEL_DIGEST?\n",
    )


def test_variables_of_other_programs_and_platforms_are_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    others = {str(variable): VALUE for variable in SharedVariable} | {
        "HOUSING_PRICE_API_SERVICE_HOST": "10.0.0.7",
        "HOUSING_PRICE_API_PORT": "tcp://10.0.0.7:8000",
        "MLFLOW_SERVER_PORT_9999_TCP_ADDR": "10.0.0.7",
        "MLFLOW_TRACKING_USERNAME": "me",
    }
    for name, value in others.items():
        monkeypatch.setenv(name, value)
    for app in (RUNNER, MODEL, TRACKING):
        # An unknown command is refused after the check.
        assert "is not a setting" not in CliRunner().invoke(app, ["none"]).output
    for check in (housing_price_model.settings.check_names, mlflow_server.environment.check_names):
        check()


def variables_of(command: Any) -> Iterator[str]:
    for parameter in command.params:
        names = parameter.envvar or ()
        yield from (names,) if isinstance(names, str) else names
    for inner in getattr(command, "commands", {}).values():
        yield from variables_of(inner)


def test_the_check_knows_every_variable_that_an_option_reads() -> None:
    read = {name for app in (RUNNER, MODEL) for name in variables_of(typer.main.get_command(app))}
    assert {TRACKING_URI, SharedVariable.JOBS_URL, SharedVariable.PREDICTION_LOG_URL} <= read
    # The orchestrator that the runner starts checks its own names.
    assert {name for name in read if not name.startswith("ORCHESTRATOR_")} <= {*SharedVariable, TRACKING_URI}
    assert set(variables_of(typer.main.get_command(TRACKING))) == {*Variable, SharedVariable.LOG_FORMAT}


def test_each_shared_name_is_written_once() -> None:
    modules = [
        path
        for package in ("src", "housing-price-model/src", "housing-price-model/mlserver/src", "mlflow-server/src")
        for path in (REPOSITORY / package).rglob("*.py")
    ]
    written = {path.name for path in modules if any(f'"{prefix}' in path.read_text() for prefix in SHARED_PREFIXES)}
    assert len(modules) > 100
    assert written == set()


GARBAGE = {"OTEL_PROPAGATORS": "foo", "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "abc", "OTEL_TRACES_SAMPLER": "xray"}
"""The first two stop MLflow's import."""


@pytest.mark.parametrize(
    "module",
    ["housing_price.cli", "housing_price_model.cli.app", "housing_price_orchestrator.cli.main", "mlflow_server.cli"],
)
def test_no_program_imports_opentelemetry_before_its_variables_are_checked(module: str) -> None:
    script = f"import sys, {module}; print(*(name for name in sys.modules if name.startswith('opentelemetry')))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "\n"


@pytest.mark.full
def test_values_of_opentelemetry_do_not_stop_the_model_package(tmp_path: Path) -> None:
    export = ("export", "--to", str(tmp_path / "export"), "--tracking-uri", "http://127.0.0.1:1")
    result = subprocess.run(
        [sys.executable, "-m", "housing_price_model", *export],
        env=os.environ | GARBAGE | {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert result.returncode == 1
    assert "error: http://127.0.0.1:1: the tracking server does not respond" in result.stderr
    assert all(result.stderr.count(f"warning: {name} is ignored: it must be ") == 1 for name in GARBAGE)


@pytest.mark.full
def test_values_of_opentelemetry_do_not_stop_the_tracking_server(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "mlflow_server", "serve", "--port", "0"],
        env=os.environ | GARBAGE,
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as server:
        assert server.stdout is not None
        lines = []
        for line in server.stdout:
            lines.append(line)
            if "Application startup complete" in line:
                server.terminate()
        server.wait(60)
    assert any("Application startup complete" in line for line in lines), "".join(lines)
    assert all(f"warning: {name} is ignored: it must be " in "".join(lines) for name in GARBAGE)
