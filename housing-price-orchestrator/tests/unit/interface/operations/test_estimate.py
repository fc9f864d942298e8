"""`POST /api/v1/valuation/estimate`, with both model servers behind it."""

import json
from typing import Any

import pytest
from fastapi.testclient import TestClient

from conftest import StartApp
from factories import house_json, ranges_json
from housing_price_orchestrator.shared.view.estimate import Estimate
from housing_price_survey.columns import SURVEY_COLUMNS
from servers import StubModelServer, hangs, predicts, says
from waiting import wait_for_ranges

ESTIMATE = "/api/v1/valuation/estimate"
SECONDS = 60
FACTS = {"id": 1461, "neighborhood": "NAmes", "overallQual": 5, "yearBuilt": 1961, "grLivArea": 896}


def facts(**changes: Any) -> dict[str, Any]:
    return {**FACTS, **changes}


@pytest.fixture
def client(stub: StubModelServer, comparables_stub: StubModelServer, start_app: StartApp) -> TestClient:
    stub.ranges = ranges_json()
    client = start_app(
        stub.url,
        comparables={"base_url": comparables_stub.url, "deadline_seconds": SECONDS},
        requests={"deadline_seconds": SECONDS},
    )
    wait_for_ranges(client)
    return client


def test_an_estimate_has_an_interval_and_names_what_is_assumed(client: TestClient) -> None:
    answer = client.post(ESTIMATE, json=FACTS)
    assert answer.status_code == 200
    document = answer.json()
    assert json.loads(Estimate.model_validate_json(answer.content).model_dump_json()) == document
    estimate = document["estimate"]
    assert 0 < estimate["interval"]["low"] < estimate["amount"] < estimate["interval"]["high"]
    assert [one["field"] for one in document["assumed"]] == [
        column.key for column in SURVEY_COLUMNS if column.key not in FACTS
    ]
    assert all(0 < one["agreement"] <= 1 for one in document["assumed"])
    assert (document["id"], len(document["sales"]), document["warnings"]) == (1461, 20, [])
    assert document["dollarYears"] == {"first": 2006, "last": 2010}
    assert (document["model"]["id"], document["comparablesModel"]["id"]) == ("stub-1", "stub-comparables-1")


def test_the_comparables_server_is_asked_for_what_is_known_and_20_houses_are_priced(
    client: TestClient, stub: StubModelServer, comparables_stub: StubModelServer
) -> None:
    stub.calls.clear()
    comparables_stub.calls.clear()
    client.post(ESTIMATE, json=facts(lotArea=9_000))
    (asked,) = comparables_stub.calls
    params = json.loads(asked.body)["params"]
    assert (params["k"], sorted(params["known"])) == (
        20,
        sorted(["Neighborhood", "OverallQual", "YearBuilt", "GrLivArea", "LotArea"]),
    )
    (priced,) = stub.calls
    assert len(priced.rows) == 20
    assert {row[priced.columns.index("LotArea")] for row in priced.rows} == {9_000}


def test_the_id_may_be_left_out(client: TestClient) -> None:
    document = client.post(ESTIMATE, json={key: value for key, value in FACTS.items() if key != "id"}).json()
    assert document["id"] is None


def test_null_says_that_the_house_does_not_have_the_feature(client: TestClient) -> None:
    document = client.post(ESTIMATE, json=facts(garageType=None, fireplaces=0)).json()
    assumed = {one["field"]: one for one in document["assumed"]}
    assert "garageType" not in assumed
    assert (assumed["garageCars"]["value"], assumed["garageCars"]["agreement"]) == (0, 1.0)
    assert (assumed["fireplaceQu"]["value"], assumed["fireplaceQu"]["agreement"]) == (None, 1.0)


def test_a_whole_house_is_an_estimate_without_assumptions(client: TestClient) -> None:
    document = client.post(ESTIMATE, json=house_json()).json()
    price = client.post("/api/v1/price/predict", json=house_json()).json()
    assert document["assumed"] == []
    assert document["estimate"]["amount"] == price["predictedPrice"]


def test_known_features_outside_what_the_model_has_seen_are_named(client: TestClient) -> None:
    document = client.post(ESTIMATE, json=facts(yearBuilt=2030)).json()
    (warning,) = document["warnings"]
    assert warning == {"field": "yearBuilt", "value": 2030, "range": {"low": 1872.0, "high": 2010.0}}


@pytest.mark.parametrize("key", ["neighborhood", "overallQual", "yearBuilt", "grLivArea"])
def test_four_features_are_required(client: TestClient, key: str) -> None:
    answer = client.post(ESTIMATE, json={name: value for name, value in FACTS.items() if name != key})
    (finding,) = answer.json()["detail"]
    assert (answer.status_code, finding["type"], finding["loc"]) == (422, "missing", ["body", key])
    answer = client.post(ESTIMATE, json=facts(**{key: None}))
    assert answer.status_code == 422


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"lotArea": None}, "lotArea"),
        ({"lotArea": "9000"}, "lotArea"),
        ({"fullBath": 1.5}, "fullBath"),
        ({"garageType": "NA"}, "garageType"),
        ({"overallQual": 11}, "overallQual"),
        ({"lotarea": 9_000}, "lotarea"),
        ({"id": 0}, "id"),
    ],
)
def test_a_wrong_value_is_refused_by_its_name(client: TestClient, changes: dict[str, Any], key: str) -> None:
    answer = client.post(ESTIMATE, json=facts(**changes))
    assert answer.status_code == 422
    assert {finding["loc"][1] for finding in answer.json()["detail"]} == {key}


NOT_FACTS = {
    "a list": [FACTS],
    "an empty list": [],
    "a list of many houses": [house_json()] * 20,
    "a batch": {"data": [FACTS]},
    "a batch without houses": {"data": []},
    "facts inside an object": {"data": FACTS},
    "facts beside a batch": {**FACTS, "data": None},
    "a number": 17,
    "a text": "NAmes",
    "a truth value": True,
}


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["plain", "with a byte order mark"])
@pytest.mark.parametrize("name", NOT_FACTS)
def test_a_body_that_is_not_the_facts_of_one_house_says_what_to_send(
    client: TestClient, name: str, mark: bytes
) -> None:
    answer = client.post(ESTIMATE, content=mark + json.dumps(NOT_FACTS[name]).encode())
    (finding,) = answer.json()["detail"]
    assert (answer.status_code, finding["type"], finding["loc"]) == (422, "facts_expected", ["body"])
    assert finding["msg"] == (
        'Send one object with the known features of one house: {"neighborhood": ..., "overallQual": ..., '
        '"yearBuilt": ..., "grLivArea": ..., ...}; for several houses, send one request each'
    )


@pytest.mark.parametrize("body", [b"", b" ", b"[]", b"17", b"{", b'{"grLivArea": 1, "grLivArea": 2}', b"\xff"])
def test_a_body_that_is_no_object_is_refused(client: TestClient, body: bytes) -> None:
    assert client.post(ESTIMATE, content=body).status_code == 422


@pytest.mark.parametrize(
    ("query", "name"), [("?include=comparables", "include"), ("?include=", "include"), ("?k=5", "k")]
)
def test_an_estimate_has_no_query(client: TestClient, query: str, name: str) -> None:
    answer = client.post(ESTIMATE + query, json=FACTS)
    (finding,) = answer.json()["detail"]
    assert (answer.status_code, finding["type"], finding["loc"]) == (422, "extra_forbidden", ["query", name])


def test_a_number_without_a_fractional_part_is_an_integer(client: TestClient) -> None:
    assert client.post(ESTIMATE, json=facts(overallQual=5.0, yearBuilt=1961.0)).status_code == 200


def test_a_comparables_server_that_fails_is_the_problem_of_an_unavailable_model_server(
    client: TestClient, comparables_stub: StubModelServer
) -> None:
    comparables_stub.behaviour = says(503)
    answer = client.post(ESTIMATE, json=FACTS)
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) >= 1
    assert answer.json()["type"] == "urn:housing-price:problem:model-server-unavailable"


def test_a_comparables_server_that_hangs_costs_no_more_than_the_callers_time(
    client: TestClient, comparables_stub: StubModelServer
) -> None:
    comparables_stub.behaviour = hangs
    answer = client.post(ESTIMATE, json=FACTS, headers={"x-request-timeout-ms": "200"})
    assert answer.status_code == 504


def test_sales_that_make_no_sense_are_a_502(client: TestClient, comparables_stub: StubModelServer) -> None:
    comparables_stub.behaviour = says(200, b'{"predictions": [{"sales": [], "blend": {}, "model_id": "x"}]}')
    answer = client.post(ESTIMATE, json=FACTS)
    assert (answer.status_code, answer.json()["type"]) == (502, "urn:housing-price:problem:comparables-implausible")


def test_without_a_comparables_server_the_problem_says_so(api: TestClient) -> None:
    answer = api.post(ESTIMATE, json=FACTS)
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:housing-price:problem:comparables-off")
    assert "ORCHESTRATOR_COMPARABLES__BASE_URL" in answer.json()["detail"]


def at(usd: float) -> dict[str, Any]:
    return {"price": usd, "low": usd, "high": usd}


@pytest.mark.parametrize("step", [1.0, 1e-30], ids=["less than a cent", "far apart"])
def test_prices_from_which_no_estimate_follows_are_a_502(
    client: TestClient, stub: StubModelServer, step: float
) -> None:
    first = 1e300 if step < 1 else 1e-5
    stub.behaviour = predicts(
        lambda made: {"predictions": [one | at(first * step**rank) for rank, one in enumerate(made)]}
    )
    answer = client.post(ESTIMATE, json=FACTS)
    assert (answer.status_code, answer.json()["type"]) == (502, "urn:housing-price:problem:price-implausible")


UNUSUAL: dict[str, dict[str, Any]] = {
    "a garage for nobody": {"garageType": None, "garageCars": 4, "garageArea": 1_000},
    "a huge garage": {"garageArea": 20_000},
    "a basement larger than all": {"bsmtFinSf1": 20_000, "bsmtFinSf2": 20_000, "bsmtUnfSf": 20_000},
    "a basement that is not there": {"totalBsmtSf": 0, "bsmtQual": "Ex", "bsmtFinSf1": 900},
    "more bedrooms than rooms": {"bedroomAbvGr": 50, "totRmsAbvGrd": 0},
    "as many bedrooms as possible": {"bedroomAbvGr": 50},
    "no living area": {"grLivArea": 0},
    "floors larger than the living area": {"firstFlrSf": 20_000, "secondFlrSf": 20_000},
    "sold before it was built": {"yearBuilt": 2100, "yrSold": 1800, "yearRemodAdd": 1800, "garageYrBlt": 1800},
    "built in the far future": {"yearBuilt": 2100},
    "veneer of no kind": {"masVnrType": "None", "masVnrArea": 2_000},
    "a pool without an area": {"poolQc": "Ex", "poolArea": 0},
    "a fireplace without a number": {"fireplaceQu": "Ex", "fireplaces": 0},
    "nothing that may be absent": {column.key: None for column in SURVEY_COLUMNS if column.may_be_blank},
}


@pytest.mark.parametrize("name", UNUSUAL)
def test_facts_that_contradict_each_other_are_estimated_as_they_are(
    client: TestClient, stub: StubModelServer, name: str
) -> None:
    stub.calls.clear()
    answer = client.post(ESTIMATE, json=facts(**UNUSUAL[name]))
    assert answer.status_code == 200, answer.text
    Estimate.model_validate_json(answer.content)
    (priced,) = stub.calls
    for key, value in UNUSUAL[name].items():
        column = next(column.name for column in SURVEY_COLUMNS if column.key == key)
        assert {row[priced.columns.index(column)] for row in priced.rows} == {value}
