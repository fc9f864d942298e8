"""Valuations of the shipped program, with two model servers that fail one at a time."""

import json
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from factories import batch_json, house_json, houses_json, price_in
from housing_price_orchestrator.shared.view.valuation import Valuation
from servers import (
    LISTENS,
    Behaviour,
    Process,
    StubModelServer,
    finds,
    hangs,
    predicts,
    resets_before_it_answers,
    says,
)
from waiting import wait_until

VALUE, BATCH, PREDICT = "/api/v1/valuation", "/api/v1/valuation/batch", "/api/v1/price/predict"
SALES = 6


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("log") / "log.db"


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[StubModelServer, StubModelServer]]:
    with StubModelServer() as prices, StubModelServer(finds()) as comparables:
        yield prices, comparables


@pytest.fixture(scope="module")
def orchestrator(servers: tuple[StubModelServer, StubModelServer], file: Path) -> Iterator[httpx.Client]:
    with (
        Process(
            *(sys.executable, "-m", "housing_price_orchestrator", "serve", "--port", "0"),
            ORCHESTRATOR_MODEL_SERVER__BASE_URL=servers[0].url,
            ORCHESTRATOR_COMPARABLES__BASE_URL=servers[1].url,
            ORCHESTRATOR_PREDICTION_LOG__URL=f"sqlite:///{file}",
            ORCHESTRATOR_READINESS__PROBE_INTERVAL_SECONDS="3600",
            ORCHESTRATOR_CIRCUIT__OPEN_SECONDS="0.05",
            ORCHESTRATOR_REQUESTS__DEADLINE_SECONDS="60",
        ) as process,
        httpx.Client(base_url=process.says(LISTENS)[1], timeout=60, trust_env=False) as client,
    ):
        wait_until(lambda: client.get("/readyz").is_success, "it is not ready")
        yield client


@pytest.fixture
def stub(servers: tuple[StubModelServer, StubModelServer]) -> StubModelServer:
    """The price server."""
    return servers[0]


@pytest.fixture
def comparables_stub(servers: tuple[StubModelServer, StubModelServer]) -> StubModelServer:
    """The comparables server."""
    return servers[1]


@pytest.fixture
def http(orchestrator: httpx.Client, comparables_stub: StubModelServer) -> httpx.Client:
    """A client of the orchestrator, with both model servers in order."""
    comparables_stub.behaviour = finds()
    wait_until(lambda: is_complete(orchestrator), "valuations are not complete")
    return orchestrator


def is_complete(http: httpx.Client) -> bool:
    answer = http.post(f"{VALUE}?include=", json=house_json())
    return answer.is_success and answer.json()["value"]["method"] == "priceAndComparables"


def value(http: httpx.Client, query: str = "", *, milliseconds: int = 60_000, **changes: Any) -> dict[str, Any]:
    headers = {"X-Request-Timeout-Ms": str(milliseconds)}
    answer = http.post(VALUE + query, json=house_json(**changes), headers=headers)
    assert answer.status_code == 200, answer.text
    Valuation.model_validate_json(answer.content)
    document: dict[str, Any] = answer.json()
    return document


def test_valuation_asks_each_model_once_per_step(
    http: httpx.Client, stub: StubModelServer, comparables_stub: StubModelServer
) -> None:
    calls, questions = len(stub.calls), len(comparables_stub.calls)
    document = value(http, "?include=comparables")
    assert (document["value"]["method"], document["problems"]) == ("priceAndComparables", [])
    assert [len(call.rows) for call in stub.calls[calls:]] == [1, SALES]
    assert len(comparables_stub.calls) - questions == 1
    assert price_in(document["price"]) == price_in(http.post(PREDICT, json=house_json()).json())


def test_valuation_with_everything_has_parts_that_sum_to_the_cent(http: httpx.Client) -> None:
    document = value(http)
    assert document["problems"] == []
    for sale in document["comparables"]["sales"]:
        total = sum(round(100 * part["usd"]) for part in sale["adjustments"])
        assert total == round(100 * sale["adjustedPrice"]) - round(100 * sale["salePrice"])
    explanation = document["explanation"]
    total = sum(round(100 * part["usd"]) for part in explanation["differences"])
    assert total == round(100 * document["price"]["predictedPrice"]) - round(100 * explanation["typicalPrice"])


FAILURES: dict[str, tuple[Behaviour, int]] = {
    "reset": (resets_before_it_answers, 503),
    "unavailable": (says(503), 503),
    "failed": (says(500, b"Traceback: SECRET"), 502),
    "hanging": (hangs, 504),
    "HTML": (says(200, b"<html>SECRET</html>"), 502),
    "prices": (predicts(), 502),
    "too few answers": (finds(lambda made: {"predictions": made[1:]}), 502),
    "no sales": (finds(lambda made: {"predictions": [{**one, "sales": []} for one in made]}), 502),
    "infinite sale prices": (
        finds(
            lambda made: json.dumps(
                {"predictions": [{**one, "sales": [{**sale, "price": 1e999} for sale in one["sales"]]} for one in made]}
            ).encode()
        ),
        502,
    ),
}


@pytest.mark.parametrize(("behaviour", "status"), FAILURES.values(), ids=FAILURES)
def test_without_comparables_the_price_is_answered_with_no_further_calls(
    http: httpx.Client,
    stub: StubModelServer,
    comparables_stub: StubModelServer,
    behaviour: Behaviour,
    status: int,
) -> None:
    comparables_stub.behaviour = behaviour
    milliseconds = 500 if behaviour is hangs else 60_000
    calls = len(stub.calls)
    for number in range(3):
        document = value(http, "?include=comparables", milliseconds=milliseconds, id=number + 1)
        assert (document["comparables"], document["value"]["method"]) == (None, "price")
        assert document["value"]["amount"] == document["price"]["predictedPrice"]
        (problem,) = document["problems"]
        assert problem["part"] == "comparables"
        # Once the circuit is open, no call is made.
        assert problem["status"] in {status, 503}
        assert "SECRET" not in str(document)
    assert [len(call.rows) for call in stub.calls[calls:]] == [1, 1, 1]
    comparables_stub.behaviour = finds()
    wait_until(lambda: is_complete(http), "the comparables do not come back")


def test_killed_comparables_server_is_used_again_when_it_is_back(
    http: httpx.Client, comparables_stub: StubModelServer
) -> None:
    comparables_stub.goes_away()
    for _ in range(20):
        assert value(http, "?include=")["value"]["method"] == "price"
    assert http.get("/readyz").status_code == 200
    comparables_stub.comes_back()
    wait_until(lambda: is_complete(http), "the comparables do not come back")


def test_without_a_price_server_the_answer_is_a_503(http: httpx.Client, stub: StubModelServer) -> None:
    stub.goes_away()
    try:
        for path, body in ((VALUE, house_json()), (BATCH, batch_json(houses_json(3)))):
            answer = http.post(path, json=body)
            assert answer.status_code == 503
            assert int(answer.headers["retry-after"]) >= 1
    finally:
        stub.comes_back()


def test_batch_is_valued_in_few_calls(http: httpx.Client, stub: StubModelServer) -> None:
    calls = len(stub.calls)
    answer = http.post(f"{BATCH}?include=comparables", json=batch_json(houses_json(50)))
    assert answer.status_code == 200, answer.text
    valuations = answer.json()["valuations"]
    assert [one["id"] for one in valuations] == [one["id"] for one in houses_json(50)]
    assert {one["value"]["method"] for one in valuations} == {"priceAndComparables"}
    assert [len(call.rows) for call in stub.calls[calls:]] == [50, 50 * SALES]
    alone = value(http, "?include=comparables", **houses_json(50)[7])
    assert (alone["value"], alone["comparables"]) == (valuations[7]["value"], valuations[7]["comparables"])


def rows_in(file: Path, table: str) -> dict[str, dict[str, Any]]:
    # The tables are made after the start.
    with closing(sqlite3.connect(file)) as connection, suppress(sqlite3.OperationalError):
        connection.row_factory = sqlite3.Row
        return {row["transaction_id"]: dict(row) for row in connection.execute(f"SELECT * FROM {table}")}  # noqa: S608
    return {}


def test_valuations_are_in_the_log_with_their_prices(
    http: httpx.Client, comparables_stub: StubModelServer, file: Path
) -> None:
    complete = value(http)
    comparables_stub.behaviour = says(500)
    alone = value(http, "?include=")
    ids = {complete["transactionId"], alone["transactionId"]}
    # A price is written after its valuation.
    wait_until(lambda: ids <= rows_in(file, "prediction").keys(), "the prices are not in the log")
    prices, valuations = rows_in(file, "prediction"), rows_in(file, "valuation")
    # The rows of sales and explanations are no predictions.
    request_id = prices[complete["transactionId"]]["request_id"]
    assert [one for one, row in prices.items() if row["request_id"] == request_id] == [complete["transactionId"]]
    first, second = valuations[complete["transactionId"]], valuations[alone["transactionId"]]
    assert prices[complete["transactionId"]]["price_usd"] == complete["price"]["predictedPrice"]
    assert (first["method"], first["value_usd"]) == ("priceAndComparables", complete["value"]["amount"])
    assert (first["low_usd"], first["high_usd"]) == tuple(complete["value"]["interval"][end] for end in ("low", "high"))
    assert json.loads(first["sales"]) == [sale["id"] for sale in complete["comparables"]["sales"]]
    assert json.loads(first["parts"]) == ["price", "comparables", "explanation"]
    assert first["comparables_id"] == complete["comparables"]["model"]["id"]
    assert first["valued_at"] == prices[complete["transactionId"]]["predicted_at"]
    assert (second["method"], json.loads(second["parts"]), second["comparables_id"]) == ("price", ["price"], None)
    assert list(json.loads(second["problems"])) == ["comparables"]
