"""Valuations through the real servers of both models, and their replay from the prediction log."""

import json
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from factories import survey_houses
from housing_price_model.cli import app as cli
from housing_price_model.training.train import train
from housing_price_orchestrator.shared.view.valuation import Valuation
from servers import LISTENS, Process
from waiting import wait_until

from ..lifecycle_store import QUICK, every_tenth_house, new_store

# MLflow uses what SQLAlchemy and pandas are going to remove.
pytestmark = [
    pytest.mark.full,
    pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning"),
    pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning:mlflow"),
]

HOUSES = survey_houses()[5:500:99]
"""Houses that are not among every tenth, on which the models of this test are trained."""


@dataclass(frozen=True)
class Stack:
    http: httpx.Client
    log: Path
    models: dict[str, Path]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Exports of both models, trained quickly."""
    folder = tmp_path_factory.mktemp("store")
    uri = new_store(folder)
    with pytest.MonkeyPatch.context() as patch:
        # Bytecode must not become part of the models.
        patch.setattr(sys, "dont_write_bytecode", False)
        train(uri, every_tenth_house(folder / "few.csv"), recipe=QUICK)
    exports = {}
    for name in ("housing-price", "housing-comparables"):
        exports[name] = folder / name
        options = ["--model", f"models:/{name}@champion", "--to", str(exports[name]), "--tracking-uri", uri]
        done = CliRunner().invoke(cli.app, ["export", *options])
        assert done.exit_code == 0, done.output
    return exports


@pytest.fixture(scope="module")
def stack(models: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    log = tmp_path_factory.mktemp("log") / "log.db"
    with ExitStack() as processes:
        serve = (sys.executable, "-m", "housing_price_model", "serve", "--port", "0", "--model")
        addresses = {
            name: processes.enter_context(Process(*serve, str(folder))).says(LISTENS)[1]
            for name, folder in models.items()
        }
        orchestrator = Process(
            *(sys.executable, "-m", "housing_price_orchestrator", "serve", "--port", "0"),
            ORCHESTRATOR_MODEL_SERVER__BASE_URL=addresses["housing-price"],
            ORCHESTRATOR_COMPARABLES__BASE_URL=addresses["housing-comparables"],
            ORCHESTRATOR_PREDICTION_LOG__URL=f"sqlite:///{log}",
            # Tests share two cores; how fast it is does not decide them.
            ORCHESTRATOR_REQUESTS__DEADLINE_SECONDS="60",
            ORCHESTRATOR_COMPARABLES__DEADLINE_SECONDS="60",
        )
        url = processes.enter_context(orchestrator).says(LISTENS)[1]
        http = processes.enter_context(httpx.Client(base_url=url, timeout=60, trust_env=False))
        wait_until(lambda: http.get("/readyz").is_success, "it is not ready")
        yield Stack(http, log, models)


@pytest.fixture(scope="module")
def valuations(stack: Stack) -> list[dict[str, Any]]:
    """Valuations of the houses, which are in the log."""
    answers = [stack.http.post("/api/v1/valuation", json=house) for house in HOUSES]
    assert {answer.status_code for answer in answers} == {200}
    for answer in answers:
        Valuation.model_validate_json(answer.content)
    valuations = [answer.json() for answer in answers]
    ids = {valuation["transactionId"] for valuation in valuations}

    def logged() -> set[str]:
        # The tables are made after the start. A price is written after its valuation.
        with closing(sqlite3.connect(stack.log)) as connection, suppress(sqlite3.OperationalError):
            return {one for (one,) in connection.execute("SELECT transaction_id FROM prediction")}
        return set()

    wait_until(lambda: ids <= logged(), "the prices are not in the log")
    return valuations


def test_real_houses_have_complete_valuations(valuations: list[dict[str, Any]]) -> None:
    for valuation in valuations:
        assert (valuation["problems"], valuation["value"]["method"]) == ([], "priceAndComparables")
        value, price = valuation["value"], valuation["price"]["predictedPrice"]
        assert value["interval"]["low"] < value["amount"] < value["interval"]["high"]
        ends = sorted([price, valuation["comparables"]["estimate"]])
        assert ends[0] - 0.01 <= value["amount"] <= ends[1] + 0.01
        assert valuation["dollarYears"] == {"first": 2006, "last": 2010}
        for sale in valuation["comparables"]["sales"]:
            total = sum(round(100 * part["usd"]) for part in sale["adjustments"])
            assert total == round(100 * sale["adjustedPrice"]) - round(100 * sale["salePrice"])


def test_sold_houses_can_be_sent_back(stack: Stack, valuations: list[dict[str, Any]]) -> None:
    sold = valuations[0]["comparables"]["sales"][0]
    again = stack.http.post("/api/v1/valuation?include=comparables", json=sold["house"]).json()
    # A house of the data is never its own comparable.
    assert sold["id"] not in [sale["id"] for sale in again["comparables"]["sales"]]


def test_batch_has_the_valuations_of_the_single_houses(stack: Stack, valuations: list[dict[str, Any]]) -> None:
    together = stack.http.post("/api/v1/valuation/batch", json={"data": HOUSES}).json()["valuations"]
    for one, alone in zip(together, valuations, strict=True):
        for part in ("value", "comparables", "explanation"):
            assert one[part] == alone[part]


def test_replay_reproduces_the_values_in_the_log(
    stack: Stack, valuations: list[dict[str, Any]], tmp_path: Path
) -> None:
    report = tmp_path / "replay.json"
    options = ["--log", f"sqlite:///{stack.log}", "--json", str(report), "--model", str(stack.models["housing-price"])]
    command = ["replay", *options, "--comparables", str(stack.models["housing-comparables"])]
    done = CliRunner().invoke(cli.app, command)
    assert done.exit_code == 0, done.output
    values = json.loads(report.read_text())["values"]
    assert (values["is_reproduced"], values["other_sales"]) == (True, 0)
    assert values["own"]["rows"] >= len(valuations)
    # A value that was not made by these models is noticed.
    with closing(sqlite3.connect(stack.log)) as connection, connection:
        one = min(valuation["transactionId"] for valuation in valuations)
        connection.execute("UPDATE valuation SET value_usd = value_usd + 1 WHERE transaction_id = ?", [one])
    changed = CliRunner().invoke(cli.app, command)
    assert changed.exit_code == 3
    assert "1 differ by more than a cent and 0 have other sales" in " ".join(changed.output.split())


@pytest.mark.usefixtures("valuations")
def test_replay_of_values_refuses_a_price_model_as_the_comparables_model(stack: Stack) -> None:
    price = str(stack.models["housing-price"])
    done = CliRunner().invoke(
        cli.app, ["replay", "--log", f"sqlite:///{stack.log}", "--model", price, "--comparables", price]
    )
    assert done.exit_code == 1
    assert "expected a model that finds comparable sales; housing-price prices houses" in " ".join(done.output.split())
