"""The model package reads the tables of this and of later releases, and refuses those that mix callers."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from housing_price_model.cli.app import app
from housing_price_model.errors import LogError
from housing_price_model.prediction_log.database import OLDEST_REVISION
from housing_price_model.prediction_log.reader import open_log
from housing_price_model.prediction_log.rows import Window
from housing_price_orchestrator.provider.store.database import downgrade

from .logs import Log


@pytest.fixture
def log(database_url: str) -> Iterator[Log]:
    made = Log(database_url)
    yield made
    made.close()


def test_tables_of_a_later_release_can_be_read(log: Log) -> None:
    for revision in (OLDEST_REVISION, "0005", "9999", "f00"):
        log.change(f"UPDATE alembic_version SET version_num = '{revision}'")  # noqa: S608 - our own values
        with open_log(log.url) as reader:
            assert list(reader.sales(Window())) == []


@pytest.mark.parametrize("revision", ["0003", "0001"])
def test_tables_of_an_earlier_release_are_refused_with_what_to_do(log: Log, revision: str) -> None:
    downgrade(log.engine, revision)
    with pytest.raises(LogError, match=f"revision {revision}, older than {OLDEST_REVISION}.*database upgrade"):
        open_log(log.url).__enter__()


def test_every_command_refuses_tables_of_an_earlier_release(tmp_path: Path) -> None:
    log = Log(f"sqlite:///{tmp_path / 'log.db'}")
    downgrade(log.engine, "0003")
    log.close()
    for command in (
        ["realised-error"],
        ["replay", "--model", str(tmp_path)],
        ["compare-shadow", "2"],
    ):
        done = CliRunner().invoke(app, [*command, "--log", log.url], env={"COLUMNS": "300"})
        assert done.exit_code == 1, (command, done.output)
        assert "housing-price-orchestrator database upgrade" in done.output + done.stderr, command


def test_a_text_that_is_not_utf_8_is_reported(log: Log) -> None:
    with open_log(log.url) as reader, pytest.raises(LogError, match="cannot be read as a prediction log"):
        list(reader.pages(Window(), "\udcff"))
