"""Prices say which features are outside what their model has seen; other prices are as they were."""

import json

import pytest
from fastapi.testclient import TestClient

from conftest import StartApp
from factories import batch_json, house_json, ranges_json
from housing_price_orchestrator.shared.view.price import PricedBatch, PricedHouse
from servers import StubModelServer, each
from waiting import wait_for_ranges, wait_until

PREDICT, BATCH, STREAM = (f"/api/v1/price/predict{path}" for path in ("", "/batch", "/stream"))
OUTSIDE = {"grLivArea": 1, "yearBuilt": 2030, "yrSold": 2026}
EXPECTED = [
    {"field": "yearBuilt", "value": 2030, "range": {"low": 1872.0, "high": 2010.0}},
    {"field": "grLivArea", "value": 1, "range": {"low": 334.0, "high": 5642.0}},
    {"field": "yrSold", "value": 2026, "range": {"low": 2006.0, "high": 2010.0}},
]


@pytest.fixture
def client(stub: StubModelServer, start_app: StartApp) -> TestClient:
    stub.ranges = ranges_json()
    stub.ranges["categories"]["RoofMatl"] = ["CompShg"]
    client = start_app(stub.url)
    wait_for_ranges(client)
    return client


def test_a_price_names_each_feature_outside_its_range(client: TestClient) -> None:
    answer = client.post(PREDICT, json=house_json(**OUTSIDE))
    assert answer.json()["warnings"] == EXPECTED
    view = PricedHouse.model_validate_json(answer.content)
    assert json.loads(view.model_dump_json())["warnings"] == EXPECTED


def test_a_price_without_warnings_has_no_such_member(client: TestClient) -> None:
    assert "warnings" not in client.post(PREDICT, json=house_json()).json()


def test_a_house_with_keys_left_out_has_the_same_warnings(client: TestClient) -> None:
    document = house_json(**OUTSIDE)
    sparse = {key: value for key, value in document.items() if value is not None}
    assert len(sparse) < len(document)
    assert client.post(PREDICT, json=sparse).json()["warnings"] == EXPECTED


def test_a_word_that_the_model_has_not_seen_is_named(client: TestClient) -> None:
    (warning,) = client.post(PREDICT, json=house_json(roofMatl="WdShngl")).json()["warnings"]
    assert warning == {"field": "roofMatl", "value": "WdShngl", "words": ["CompShg"]}


def test_in_a_batch_each_house_has_its_own_warnings(client: TestClient) -> None:
    houses = [house_json(id=1), house_json(id=2, **OUTSIDE), house_json(id=3)]
    answer = client.post(BATCH, json=batch_json(houses))
    assert [one.get("warnings") for one in answer.json()["predictions"]] == [None, EXPECTED, None]
    assert len(PricedBatch.model_validate_json(answer.content).predictions[1].warnings) == len(EXPECTED)


def test_in_a_stream_each_line_has_its_own_warnings(client: TestClient) -> None:
    lines = "\n".join(json.dumps(one) for one in (house_json(id=1), house_json(id=2, **OUTSIDE)))
    answer = client.post(STREAM, content=lines, headers={"content-type": "application/x-ndjson"})
    assert [json.loads(line).get("warnings") for line in answer.text.splitlines()] == [None, EXPECTED]


def test_a_model_server_without_ranges_prices_as_before(api: TestClient) -> None:
    assert "warnings" not in api.post(PREDICT, json=house_json(**OUTSIDE)).json()


def test_a_new_model_at_the_same_address_brings_its_own_ranges(stub: StubModelServer, start_app: StartApp) -> None:
    stub.ranges = ranges_json()
    client = start_app(stub.url, readiness={"probe_interval_seconds": 0.05})
    wait_for_ranges(client)
    stub.ranges = ranges_json("stub-2") | {"numbers": {"GrLivArea": [2_000, 3_000]}}
    stub.behaviour = each(model_id="stub-2")
    wait_for_ranges(client, "stub-2")
    (warning,) = client.post(PREDICT, json=house_json(grLivArea=1_000)).json()["warnings"]
    assert warning["range"] == {"low": 2000.0, "high": 3000.0}


def test_the_ranges_are_fetched_once_for_each_model(stub: StubModelServer, start_app: StartApp) -> None:
    start_app(stub.url, readiness={"probe_interval_seconds": 0.05})
    wait_until(lambda: len(stub.calls) > 3, "no probes")
    assert len(stub.range_calls) == 1
