"""`housing-price-orchestrator database copy`: between databases of both kinds, completely or not at all."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine
from typer.testing import CliRunner

from housing_price_orchestrator.cli.main import app
from housing_price_orchestrator.provider.store.database import downgrade, ensure_columns_version, for_writing
from housing_price_orchestrator.provider.store.tables import metadata, prediction_columns, valuation
from housing_price_survey.columns import COLUMNS

from .logs import START, Log, new_log

ANSWER = {"model_id": "m", "price": 200_000.25, "low": 150_000.0, "high": 250_000.0}
VARIABLE = "ORCHESTRATOR_PREDICTION_LOG__URL"


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    """A log with rows in every table, two lists of columns, and several batches of prices."""
    made = new_log(tmp_path)
    made.write([["x"]], [ANSWER], columns=["an earlier list"])
    ids = made.write([["x"]] * 4_500, [ANSWER] * 4_500, caller="jwt:https://issuer:me é")
    made.shadow(ids[:3], [ANSWER] * 3)
    made.sell({ids[0]: 100.5})
    made.sell({ids[0]: 210_000.0})
    made.sell({7: 190_000.0}, caller="me")
    row = {"transaction_id": ids[0], "valued_at": START, "method": "price", "value_usd": 1.5, "low_usd": 1.0}
    row |= {"high_usd": 2.0, "confidence": None, "parts": "[]", "problems": "[]", "sales": "[]"}
    with for_writing(made.engine).begin() as connection:
        connection.execute(sa.insert(valuation), [row])
    yield made
    made.close()


def content(engine: Engine) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of all tables, without the numbers that the database gives."""
    found = {}
    with engine.connect() as connection:
        for table in metadata.sorted_tables:
            columns = [column for column in table.columns if (table.name, column.name) != ("actual", "id")]
            rows = connection.execute(sa.select(*columns).order_by(*table.primary_key.columns))
            found[table.name] = [tuple(row) for row in rows]
    return found


def copy(source: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["database", "copy", "--from", source])
    return done.exit_code, done.output


def test_a_log_is_copied_completely(log: Log, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, database_url)
    target = Log(database_url)
    # A start of the service has stored its list of columns, under a number that the source has for another.
    ensure_columns_version(target.engine, COLUMNS)
    status, output = copy(log.url)
    assert status == 0, output
    assert "4501 prediction, 3 shadow_prediction, 1 valuation, 3 actual" in output
    assert content(target.engine) == content(log.engine)
    assert ensure_columns_version(target.engine, COLUMNS) == 2
    # It goes on where the source ended.
    target.rows = log.rows
    target.write([["x"]], [ANSWER])
    target.sell({9: 1.0})
    status, output = copy(log.url)
    expected = f"{log.url} cannot be copied: the target holds a log already: choose an empty database\n"
    assert (status, output) == (2, f"housing-price-orchestrator: {expected}")
    target.close()


def test_a_copy_that_fails_leaves_nothing(log: Log, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = Log(f"sqlite:///{tmp_path / 'target.db'}")
    monkeypatch.setenv(VARIABLE, target.url)
    ensure_columns_version(target.engine, COLUMNS)
    target.change("CREATE TRIGGER fails BEFORE INSERT ON actual BEGIN SELECT RAISE(ABORT, 'disk on fire'); END")
    status, output = copy(log.url)
    assert (status, "disk on fire" in output, len(output.splitlines())) == (2, True, 1)
    found = content(target.engine)
    assert len(found.pop(prediction_columns.name)) == 1
    assert not any(found.values())
    target.close()


def test_tables_of_another_release_are_not_copied(log: Log, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, f"sqlite:///{tmp_path / 'target.db'}")
    downgrade(log.engine, "0004")
    status, output = copy(log.url)
    assert (status, "run `database upgrade` for it first" in output) == (2, True)
    assert not (tmp_path / "target.db").exists()


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("sqlite:///none.db", "the file does not exist"),
        ("mysql://me:hunter2@host/log", "--from: must be sqlite:///FILE"),
        ("nonsense", "--from: must be sqlite:///FILE"),
        ("postgresql://me:hunter2@127.0.0.1:1/log", "cannot be copied"),
    ],
)
def test_a_source_that_cannot_be_read_is_reported_without_its_password(
    source: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(VARIABLE, "sqlite:///target.db")
    status, output = copy(source)
    assert (status, said in output, "hunter2" in output) == (2, True, False), output
    assert list(tmp_path.iterdir()) == []


def test_a_log_is_not_copied_to_itself(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, log.url)
    before = content(log.engine)
    status, output = copy(log.url)
    assert (status, "the target holds a log already" in output) == (2, True)
    assert content(log.engine) == before
