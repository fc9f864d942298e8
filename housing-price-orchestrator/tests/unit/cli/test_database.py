import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner

from housing_price_orchestrator.cli.main import app

VARIABLE = "ORCHESTRATOR_PREDICTION_LOG__URL"


def test_upgrade_creates_the_tables_and_can_be_repeated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "log.db"
    monkeypatch.setenv(VARIABLE, f"sqlite:///{file}")
    for _ in range(2):
        ended = CliRunner().invoke(app, ["database", "upgrade"])
        assert (ended.exit_code, ended.output) == (0, f"sqlite:///{file} is up to date\n")
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("SELECT COUNT(*) FROM prediction").fetchone() == (0,)


def test_an_unreachable_database_is_named_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "postgresql://someone:geheim@127.0.0.1:1/log")
    ended = CliRunner().invoke(app, ["database", "upgrade"])
    assert ended.exit_code == 2
    assert "127.0.0.1:1/log cannot be upgraded" in ended.output
    assert "geheim" not in ended.output
    assert "Background on this error" not in ended.output


@pytest.mark.parametrize("url", ["", "nonsense", "mysql://x/y", "sqlite://", "sqlite:///:memory:", "postgresql"])
def test_an_invalid_url_is_refused_naming_its_variable(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv(VARIABLE, url)
    ended = CliRunner().invoke(app, ["database", "upgrade"])
    assert ended.exit_code == 2
    assert VARIABLE in ended.output
    assert "sqlite:///FILE" in ended.output


def test_a_database_of_a_later_version_is_not_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "log.db"
    monkeypatch.setenv(VARIABLE, f"sqlite:///{file}")
    assert CliRunner().invoke(app, ["database", "upgrade"]).exit_code == 0
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    ended = CliRunner().invoke(app, ["database", "upgrade"])
    assert ended.exit_code == 2
    assert "9999" in ended.output
