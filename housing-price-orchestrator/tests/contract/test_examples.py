"""The examples are part of the public contract, verbatim."""

import json
import re

import pytest
from fastapi.testclient import TestClient

from conftest import StartApp
from factories import EXAMPLES, price_in, ranges_json
from housing_price_orchestrator.shared.view.example import EXAMPLE_DOCUMENT
from servers import StubModelServer
from waiting import wait_for_ranges

PREDICT = "/api/v1/price/predict"
BATCH = "/api/v1/price/predict/batch"

REQUEST = (EXAMPLES / "request-1461.json").read_bytes()
REFUSAL = json.loads((EXAMPLES / "response-422-street-dummy.json").read_bytes())
DUMMY = REQUEST.replace(b'"street": "Pave"', b'"street": "Dummy"')


def test_the_house_is_priced_as_it_stands(api: TestClient) -> None:
    answer = api.post(PREDICT, content=REQUEST, headers={"content-type": "application/json"})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["id"] == 1461
    assert answer.json()["predictedPrice"] > 0


def test_the_answer_has_these_keys_and_no_others(api: TestClient) -> None:
    answer = api.post(PREDICT, content=REQUEST).json()
    assert set(answer) == {"id", "transactionId", "predictedPrice", "priceInterval", "model"}
    assert set(answer["priceInterval"]) == {"low", "high", "level"}
    assert set(answer["model"]) == {"name", "version", "id"}
    assert all(type(text) is str for text in answer["model"].values())


def test_the_answer_is_the_same_when_the_model_server_publishes_what_it_has_seen(
    stub: StubModelServer, start_app: StartApp
) -> None:
    before = start_app(stub.url).post(PREDICT, content=REQUEST)
    stub.ranges = ranges_json()
    client = start_app(stub.url)
    wait_for_ranges(client)
    after = client.post(PREDICT, content=REQUEST)
    identifier = re.compile(rb'"transactionId":"[0-9a-f]{32}"')
    assert identifier.sub(b"", after.content) == identifier.sub(b"", before.content)


@pytest.mark.parametrize("size", [1, 3])
def test_a_batch_of_it_is_priced(api: TestClient, size: int) -> None:
    house = json.loads(REQUEST)
    answer = api.post(BATCH, json={"data": [house] * size})
    single = api.post(PREDICT, content=REQUEST).json()
    assert answer.status_code == 200
    predictions = answer.json()["predictions"]
    assert [price_in(one) for one in predictions] == [price_in(single)] * size
    assert len({one["transactionId"] for one in [*predictions, single]}) == size + 1


def test_a_dummy_street_is_refused_word_for_word(api: TestClient) -> None:
    answer = api.post(PREDICT, content=DUMMY)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == REFUSAL
    # The keys are in the same order too.
    assert json.dumps(answer.json()) == json.dumps(REFUSAL)


def test_in_a_batch_the_refusal_names_the_house(api: TestClient) -> None:
    house = json.loads(REQUEST)
    answer = api.post(BATCH, json={"data": [house, json.loads(DUMMY)]})
    (finding,) = REFUSAL["detail"]
    assert answer.status_code == 422
    assert answer.json() == {"detail": [{**finding, "loc": ["body", "data", 1, "street"]}]}


def test_the_documentation_shows_the_same_house() -> None:
    assert json.loads(REQUEST) == EXAMPLE_DOCUMENT
