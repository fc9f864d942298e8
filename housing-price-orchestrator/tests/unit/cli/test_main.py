import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from factories import REPOSITORY
from housing_price_orchestrator.cli.main import app
from housing_price_orchestrator.provider.model_server.columns import column_types
from housing_price_platform.database.sqlite_file import sqlite_url


def test_columns_prints_the_columns_and_types_as_json() -> None:
    result = CliRunner().invoke(app, ["columns"])
    assert result.exit_code == 0
    assert {one["name"]: one["type"] for one in json.loads(result.stdout)} == column_types()


def test_the_printed_openapi_document_is_the_committed_one() -> None:
    result = CliRunner().invoke(app, ["openapi"])
    assert result.exit_code == 0
    assert result.stdout == (REPOSITORY / "housing-price-orchestrator" / "openapi.json").read_text(encoding="utf-8")


def test_an_invalid_setting_is_named_without_a_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORCHESTRATOR_SERVER__PORT", "x")
    result = CliRunner().invoke(app, ["serve"])
    assert result.exit_code == 2
    assert "ORCHESTRATOR_SERVER__PORT" in result.stderr
    assert "Traceback" not in result.output


def test_a_worker_on_a_damaged_database_ends_with_one_message(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    database = tmp_path / "jobs of 100%?.db"
    database.write_bytes(b"no database")
    monkeypatch.setenv("ORCHESTRATOR_JOBS__DATABASE_URL", sqlite_url(database))
    result = CliRunner().invoke(app, ["worker", "--name", "x"])
    assert result.exit_code == 2
    assert f"ORCHESTRATOR_JOBS__DATABASE_URL: {database} is damaged (file is not a database)" in result.stderr
    assert "Traceback" not in result.output


def test_without_a_command_it_lists_the_commands() -> None:
    assert "serve" in CliRunner().invoke(app, []).output
