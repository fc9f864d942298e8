from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import mlflow.environment_variables
import pytest
from mlflow.environment_variables import (
    _MLFLOW_IN_JOB_EXECUTOR,
    _MLFLOW_SGI_NAME,
    MLFLOW_ALLOW_PICKLE_DESERIALIZATION,
    MLFLOW_DISABLE_TELEMETRY,
    MLFLOW_ENABLE_REMOTE_ASSISTANT,
    MLFLOW_SERVER_ALLOWED_HOSTS,
    MLFLOW_SERVER_ENABLE_JOB_EXECUTION,
)
from mlflow.utils.file_utils import local_file_uri_to_path
from typer.testing import CliRunner

from housing_price_platform.database.sqlite_file import sqlite_url
from mlflow_server.cli import app
from mlflow_server.environment import Storage, Variable, check_names, loopback_patterns, server_environment


def server_module(name: str) -> ModuleType:
    """Load one file of `mlflow.server` without its package, whose import builds the whole application."""
    package = find_spec("mlflow")
    assert package is not None
    assert package.origin is not None
    spec = spec_from_file_location(name, Path(package.origin).parent / "server" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_mlflow_reads_every_variable() -> None:
    constants = server_module("constants")
    environment = server_environment(Storage("sqlite:///x.db", "files"), "localhost")
    known = {
        constants.BACKEND_STORE_URI_ENV_VAR,
        constants.REGISTRY_STORE_URI_ENV_VAR,
        constants.ARTIFACT_ROOT_ENV_VAR,
        constants.ARTIFACTS_DESTINATION_ENV_VAR,
        constants.SERVE_ARTIFACTS_ENV_VAR,
        _MLFLOW_SGI_NAME.name,
        _MLFLOW_IN_JOB_EXECUTOR.name,
        MLFLOW_ALLOW_PICKLE_DESERIALIZATION.name,
        MLFLOW_DISABLE_TELEMETRY.name,
        MLFLOW_ENABLE_REMOTE_ASSISTANT.name,
        MLFLOW_SERVER_ALLOWED_HOSTS.name,
        MLFLOW_SERVER_ENABLE_JOB_EXECUTION.name,
        "DO_NOT_TRACK",
    }
    assert set(environment) == known


def test_only_loopback_names_are_accepted_on_any_port() -> None:
    is_allowed_host_header = server_module("security_utils").is_allowed_host_header
    patterns = loopback_patterns().split(",")
    for host in ("localhost", "localhost:9999", "127.0.0.1:4711", "[::1]:9999"):
        assert is_allowed_host_header(patterns, host), host
    for host in ("evil.example", "evil.example:9999", "localhost.evil.example", "127.0.0.1.evil.example:80", ""):
        assert not is_allowed_host_header(patterns, host), host


def test_folders_of_a_local_store_are_created(tmp_path: Path) -> None:
    Storage(f"sqlite:///{tmp_path}/a/b/mlflow.db", f"{tmp_path}/c/d").create_folders()
    assert (tmp_path / "a/b").is_dir()
    assert (tmp_path / "c/d").is_dir()


def test_no_folder_is_created_for_a_remote_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Storage("postgresql://db/mlflow", "s3://bucket/path").create_folders()
    assert list(tmp_path.iterdir()) == []


def test_no_variable_of_mlflow_counts_as_misspelt(monkeypatch: pytest.MonkeyPatch) -> None:
    named = (getattr(one, "name", "") for one in vars(mlflow.environment_variables).values())
    names = {name for name in named if isinstance(name, str) and name.startswith("MLFLOW_")}
    assert len(names) > 100
    assert MLFLOW_SERVER_ALLOWED_HOSTS.name == Variable.ALLOWED_HOSTS
    for name in names:
        monkeypatch.setenv(name, "x")
    check_names()


@pytest.mark.parametrize("name", ["100%", "what?", "no#1", "a b; c", "50%25"])
def test_a_path_may_have_any_characters(tmp_path: Path, name: str) -> None:
    storage = Storage(sqlite_url(tmp_path / name / "mlflow.db"), str(tmp_path / name / "artifacts"))
    storage.create_folders()
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert storage.database_file == tmp_path / name / "mlflow.db"
    assert local_file_uri_to_path(storage.artifacts_uri) == str(tmp_path / name / "artifacts")


@pytest.mark.parametrize("content", [b"no database", b"SQLite format 3\0" + b"\x10\0" * 50])
def test_a_damaged_database_is_one_message_that_names_it(tmp_path: Path, content: bytes) -> None:
    database = tmp_path / "mlflow.db"
    database.write_bytes(content)
    options = ["--port", "0", "--backend-store-uri", sqlite_url(database), "--artifacts", str(tmp_path / "artifacts")]
    ended = CliRunner().invoke(app, ["serve", *options])
    assert ended.exit_code == 1
    assert f"error: {database} (--backend-store-uri) is damaged (" in ended.output
    assert len(ended.output.splitlines()) == 1


@pytest.mark.parametrize(
    ("given", "used"),
    [
        (
            "postgresql://me:secret@db:5432/runs?sslmode=require",
            "postgresql+psycopg://me:secret@db:5432/runs?sslmode=require",
        ),
        ("postgresql+psycopg2://db/runs", "postgresql+psycopg2://db/runs"),
        ("mysql://db/postgresql:runs", "mysql://db/postgresql:runs"),
    ],
)
def test_postgres_is_reached_with_the_driver_of_the_extra(given: str, used: str) -> None:
    assert Storage(given, "files").database_uri == used
