"""Whatever a caller may say about a house reaches the model, unchanged and in the right column."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from factories import alias_of, client_of, settings_for
from housing_price_orchestrator.app import create_app
from housing_price_orchestrator.interface.documents.reading import read_house
from housing_price_orchestrator.provider.model_server.columns import COLUMN_OF_FIELD, row_of
from housing_price_survey.columns import COLUMNS
from servers import StubModelServer, prediction_for
from strategies import house_documents

KEY_OF_COLUMN = {column: alias_of(field) for field, column in COLUMN_OF_FIELD.items()}


@pytest.fixture(scope="module")
def stub_and_api() -> Iterator[tuple[StubModelServer, TestClient]]:
    with StubModelServer() as stub, client_of(create_app(settings_for(stub.url))) as api:
        yield stub, api


def back(columns: list[str], row: list[Any]) -> dict[str, Any]:
    """From the model's row to what the caller said; what is absent is left out."""
    return {KEY_OF_COLUMN[name]: value for name, value in zip(columns, row, strict=True) if value is not None}


def said(document: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in document.items() if value is not None and key != "id"}


@given(house_documents)
def test_any_valid_house_survives_the_way_to_the_models_row_and_back(document: dict[str, Any]) -> None:
    house = read_house(json.dumps(document).encode())
    assert house.id == document["id"]
    assert back(list(COLUMNS), list(row_of(house))) == said(document)


@given(st.lists(house_documents, min_size=1, max_size=4))
@settings(max_examples=30, suppress_health_check=list(HealthCheck))
def test_any_valid_houses_reach_the_model_server_and_their_prices_come_back(
    stub_and_api: tuple[StubModelServer, TestClient], documents: list[dict[str, Any]]
) -> None:
    stub, api = stub_and_api
    stub.calls.clear()
    answer = api.post("/api/v1/price/predict/batch", json={"data": documents})
    assert answer.status_code == 200
    rows = [(call.columns, row) for call in stub.calls for row in call.rows]
    arrived = {json.dumps(back(columns, row), sort_keys=True): prediction_for(row)["price"] for columns, row in rows}
    for document, priced in zip(documents, answer.json()["predictions"], strict=True):
        (price,) = {price for text, price in arrived.items() if json.loads(text) == said(document)}
        assert (priced["id"], priced["predictedPrice"]) == (document["id"], price)
