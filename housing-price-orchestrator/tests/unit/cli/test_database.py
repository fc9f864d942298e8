import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner

from housing_price_orchestrator.cli.main import app
from housing_price_orchestrator.composition.store import check_log_revision
from housing_price_orchestrator.settings import PredictionLogSettings, Settings

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
    for command in (["database", "upgrade"], ["database", "downgrade"], ["serve"]):
        ended = CliRunner().invoke(app, command)
        assert ended.exit_code == 2, command
        assert "have revision 9999" in ended.output
        assert "up to 0005" in ended.output
        assert "database downgrade --to 0005" in ended.output
        assert "Traceback" not in ended.output
        assert len(ended.output.splitlines()) == 1


def test_the_service_starts_without_the_log_or_if_its_database_is_unavailable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "log.db"
    for url in (f"sqlite:///{file}", "postgresql://someone@127.0.0.1:1/log", f"sqlite:///{tmp_path}/nowhere/log.db"):
        check_log_revision(Settings(prediction_log=PredictionLogSettings(enabled=True, url=url)))
    assert not file.exists()
    monkeypatch.setenv(VARIABLE, f"sqlite:///{file}")
    assert CliRunner().invoke(app, ["database", "upgrade"]).exit_code == 0
    check_log_revision(Settings(prediction_log=PredictionLogSettings(enabled=True, url=f"sqlite:///{file}")))
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    check_log_revision(Settings(prediction_log=PredictionLogSettings(enabled=False, url=f"sqlite:///{file}")))
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("PRAGMA locking_mode=EXCLUSIVE")
        connection.execute("BEGIN EXCLUSIVE")
        check_log_revision(Settings(prediction_log=PredictionLogSettings(enabled=True, url=f"sqlite:///{file}")))


def test_both_databases_are_migrated_back_and_again(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, database_url)
    for command, expected in (
        (["upgrade"], "is up to date"),
        (["downgrade"], "has revision 0004"),
        (["downgrade", "--to", "0001"], "has revision 0001"),
        (["upgrade"], "is up to date"),
    ):
        ended = CliRunner().invoke(app, ["database", *command])
        assert (ended.exit_code, ended.output.strip().endswith(expected)) == (0, True), ended.output


def test_downgrade_says_what_is_lost_and_names_the_revision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "log.db"
    monkeypatch.setenv(VARIABLE, f"sqlite:///{file}")
    missing = CliRunner().invoke(app, ["database", "downgrade"])
    assert (missing.exit_code, file.exists()) == (2, False)
    assert "the file does not exist" in missing.output
    assert CliRunner().invoke(app, ["database", "upgrade"]).exit_code == 0
    planned = CliRunner().invoke(app, ["database", "downgrade", "--to", "0002", "--dry-run"])
    assert planned.output.endswith(f"sqlite:///{file} is unchanged (dry run)\n")
    done = CliRunner().invoke(app, ["database", "downgrade", "--to", "0002"])
    assert done.exit_code == 0
    assert done.output.splitlines()[:3] == planned.output.splitlines()[:3]
    steps = [line.partition(": loses ")[0] for line in done.output.splitlines()[:3]]
    assert steps == ["0005 -> 0004", "0004 -> 0003", "0003 -> 0002"]
    assert done.output.endswith(f"sqlite:///{file} has revision 0002\n")
    again = CliRunner().invoke(app, ["database", "downgrade", "--to", "0002"])
    assert (again.exit_code, again.output) == (0, f"sqlite:///{file} has revision 0002\n")
    refused = CliRunner().invoke(app, ["database", "downgrade", "--to", "0003"])
    assert refused.exit_code == 2
    assert "it has revision 0002; earlier revisions: 0001" in refused.output
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == ("0002",)
