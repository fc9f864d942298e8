"""The log holds exactly the answers, for any requests of any kind."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from factories import client_of, settings_for
from housing_price_orchestrator.app import create_app
from housing_price_orchestrator.provider.model_server.columns import row_of
from housing_price_orchestrator.shared.view.house import House
from servers import StubModelServer
from strategies import house_documents
from waiting import wait_until

HOW = ("single", "batch", "stream")


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("log") / "log.db"


@pytest.fixture(scope="module")
def client(file: Path) -> Iterator[TestClient]:
    log = {"enabled": True, "url": f"sqlite:///{file}"}
    with StubModelServer() as stub, client_of(create_app(settings_for(stub.url, prediction_log=log))) as client:
        yield client


def predictions_for(client: TestClient, documents: list[dict[str, Any]], how: str) -> list[dict[str, Any]]:
    base = "/api/v1/price/predict"
    if how == "single":
        answers = [client.post(base, json=document) for document in documents]
        return [answer.json() for answer in answers]
    if how == "batch":
        found: list[dict[str, Any]] = client.post(f"{base}/batch", json={"data": documents}).json()["predictions"]
        return found
    lines = b"\n".join(json.dumps(document).encode() for document in documents)
    answer = client.post(f"{base}/stream", content=lines, headers={"content-type": "application/x-ndjson"})
    return [json.loads(line) for line in answer.content.splitlines()]


def logged(file: Path, transaction_ids: list[str]) -> dict[str, sqlite3.Row]:
    with closing(sqlite3.connect(file)) as connection:
        connection.row_factory = sqlite3.Row
        marks = ",".join("?" * len(transaction_ids))
        query = f"SELECT * FROM prediction WHERE transaction_id IN ({marks})"  # noqa: S608 - marks only
        try:
            return {row["transaction_id"]: row for row in connection.execute(query, transaction_ids)}
        except sqlite3.OperationalError:
            # The log makes its tables when it first writes.
            return {}


@pytest.mark.full
@given(documents=st.lists(house_documents, min_size=1, max_size=5), how=st.sampled_from(HOW))
@hypothesis_settings(max_examples=25)
def test_the_log_holds_what_was_answered(
    client: TestClient, file: Path, documents: list[dict[str, Any]], how: str
) -> None:
    answers = predictions_for(client, documents, how)
    ids = [answer["transactionId"] for answer in answers]
    assert len(set(ids)) == len(documents)
    wait_until(lambda: len(logged(file, ids)) == len(ids), "they were not logged")
    rows = logged(file, ids)
    for document, answer in zip(documents, answers, strict=True):
        row = rows[answer["transactionId"]]
        assert json.loads(row["inputs"]) == list(row_of(House.model_validate(document)))
        assert row["house_id"] == answer["id"] == document["id"]
        assert (row["price_usd"], row["low_usd"], row["high_usd"]) == (
            answer["predictedPrice"],
            answer["priceInterval"]["low"],
            answer["priceInterval"]["high"],
        )
        assert (row["model_name"], row["model_version"], row["model_id"]) == tuple(answer["model"].values())
