"""The operations under `/api/v1/valuation`."""

import asyncio
import dataclasses
import math
from typing import Any

import pytest
from fastapi.testclient import TestClient

from factories import ABSENT, batch_json, house_json, houses_json, price_in, replace_services, services_of
from fakes import FakeComparablesModel, FakePriceModel
from housing_price_orchestrator.service.pricing import Pricing
from housing_price_orchestrator.service.valuation.typical_house import TYPICAL_HOUSE
from housing_price_orchestrator.service.valuation.valuations import Valuations
from housing_price_orchestrator.shared.errors import CircuitOpen, ModelServerUnavailable, QueueFull
from housing_price_orchestrator.shared.view.valuation import MAX_VALUED_HOUSES, Valuation
from housing_price_orchestrator.shared.view.valuation import Valuations as ValuationsDocument

UNKNOWN_PART = "Input should be 'comparables' or 'explanation'"
VALUE, BATCH = "/api/v1/valuation", "/api/v1/valuation/batch"


def serve(api: TestClient, prices: FakePriceModel, comparables: FakeComparablesModel | None) -> None:
    """Let the application price and value with these models."""
    pricing = Pricing(prices)
    valuations = Valuations(pricing, comparables, typical_house=TYPICAL_HOUSE, deadline_seconds=30)
    replace_services(api, pricing=pricing, valuations=valuations)


@pytest.fixture
def valuing(api: TestClient) -> TestClient:
    """A client of the application with both models."""
    serve(api, FakePriceModel(), FakeComparablesModel())
    return api


def value(client: TestClient, query: str = "", **changes: Any) -> dict[str, Any]:
    answer = client.post(VALUE + query, json=house_json(**changes))
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    Valuation.model_validate_json(answer.content)
    return document


def test_valuation_holds_the_value_the_price_and_the_evidence(valuing: TestClient) -> None:
    document = value(valuing)
    assert list(document) == [
        *("id", "transactionId", "value", "price", "comparables", "explanation", "dollarYears", "warnings", "problems")
    ]
    assert document["value"]["method"] == "priceAndComparables"
    assert (len(document["comparables"]["sales"]), document["problems"]) == (6, [])
    assert document["price"]["transactionId"] == document["transactionId"]


def test_price_is_the_answer_of_the_price_operation(valuing: TestClient) -> None:
    price = valuing.post("/api/v1/price/predict", json=house_json()).json()
    assert price_in(value(valuing)["price"]) == price_in(price)


def test_each_sale_has_its_house_and_a_sum_of_adjustments(valuing: TestClient) -> None:
    document = value(valuing)
    for sale in document["comparables"]["sales"]:
        assert sale["house"]["id"] == sale["id"]
        assert sale["soldIn"] == "2010-06"
        total = sum(round(100 * part["usd"]) for part in sale["adjustments"])
        assert total == round(100 * sale["adjustedPrice"]) - round(100 * sale["salePrice"])
    distances = [sale["distance"] for sale in document["comparables"]["sales"]]
    assert distances == sorted(distances)


def test_weights_of_the_sales_make_their_weighted_mean(valuing: TestClient) -> None:
    comparables = value(valuing)["comparables"]
    weights = [sale["weight"] for sale in comparables["sales"]]
    assert math.fsum(weights) == pytest.approx(1, abs=1e-9)
    assert weights == sorted(weights, reverse=True)
    assert weights[0] > weights[-1]
    logs = [sale["weight"] * math.log(sale["adjustedPrice"]) for sale in comparables["sales"]]
    assert math.exp(math.fsum(logs)) == pytest.approx(comparables["estimate"], abs=0.02)


def test_differences_sum_to_the_difference_from_the_typical_house(valuing: TestClient) -> None:
    document = value(valuing)
    total = sum(round(100 * part["usd"]) for part in document["explanation"]["differences"])
    price, typical = document["price"]["predictedPrice"], document["explanation"]["typicalPrice"]
    assert total == round(100 * price) - round(100 * typical)


@pytest.mark.parametrize(
    ("query", "has_comparables", "has_explanation"),
    [
        ("", True, True),
        ("?include=comparables,explanation", True, True),
        ("?include=explanation,comparables", True, True),
        ("?include=comparables", True, False),
        ("?include=explanation", False, True),
        ("?include=", False, False),
    ],
)
def test_query_says_which_parts_are_included(
    valuing: TestClient, query: str, has_comparables: bool, has_explanation: bool
) -> None:
    document = value(valuing, query)
    assert (document["comparables"] is not None) is has_comparables
    assert (document["explanation"] is not None) is has_explanation
    assert (document["value"]["method"], document["problems"]) == ("priceAndComparables", [])
    if has_comparables:
        assert all((sale["adjustments"] is not None) is has_explanation for sale in document["comparables"]["sales"])


@pytest.mark.parametrize("path", [VALUE, BATCH])
@pytest.mark.parametrize(
    ("query", "loc", "message"),
    [
        ("?include=sales", ["query", "include", 0], UNKNOWN_PART),
        ("?include=comparables,Explanation", ["query", "include", 1], UNKNOWN_PART),
        (
            "?include=comparables, explanation",
            ["query", "include", 1],
            "Input should be 'comparables' or 'explanation'",
        ),
        ("?include=,", ["query", "include", 0], UNKNOWN_PART),
        ("?include=comparables,comparables", ["query", "include"], "name each part once"),
        ("?include=comparables&include=explanation", ["query", "include"], "comparables, explanation"),
        ("?includes=comparables", ["query", "includes"], "Extra inputs are not permitted"),
    ],
)
def test_other_queries_are_refused_with_the_words_that_are_allowed(
    valuing: TestClient, path: str, query: str, loc: list[str | int], message: str
) -> None:
    body = house_json() if path == VALUE else batch_json([house_json()])
    answer = valuing.post(path + query, json=body)
    assert answer.status_code == 422
    finding = answer.json()["detail"][0]
    assert finding["loc"] == loc
    assert message in finding["msg"]


@pytest.mark.parametrize(
    ("error", "status", "name", "retry_after"),
    [
        (CircuitOpen("http://sales", 2.5), 503, "circuit-open", 3),
        (ModelServerUnavailable("gone"), 503, "model-server-unavailable", 1),
        (QueueFull("full", 7), 503, "queue-full", 7),
        (ValueError("SECRET"), 500, "internal-error", None),
    ],
)
def test_failed_part_is_null_and_has_a_problem(
    api: TestClient, error: Exception, status: int, name: str, retry_after: int | None
) -> None:
    serve(api, FakePriceModel(), FakeComparablesModel(error=error))
    document = value(api)
    assert document["comparables"] is None
    assert document["explanation"] is not None
    (problem,) = document["problems"]
    title = problem.pop("title")
    assert problem == {
        "part": "comparables",
        "type": f"urn:housing-price:problem:{name}",
        "status": status,
        "retryAfter": retry_after,
    }
    assert title
    assert "SECRET" not in str(document)
    price, worth = document["price"], document["value"]
    assert worth == {
        "amount": price["predictedPrice"],
        "interval": price["priceInterval"],
        "method": "price",
        "confidence": None,
    }


def test_without_a_comparables_model_a_valuation_says_so(api: TestClient) -> None:
    document = value(api)
    assert document["value"]["method"] == "price"
    assert [problem["type"] for problem in document["problems"]] == ["urn:housing-price:problem:comparables-off"]


@pytest.mark.parametrize("path", [VALUE, BATCH])
def test_without_a_price_the_request_fails_like_that_for_a_price(api: TestClient, path: str) -> None:
    serve(api, FakePriceModel(error=QueueFull("full", 7)), FakeComparablesModel())
    body = house_json() if path == VALUE else batch_json([house_json()])
    valued = api.post(path, json=body)
    priced = api.post(path.replace("valuation", "price/predict"), json=body)
    assert (valued.status_code, valued.headers["retry-after"]) == (503, "7")
    assert {**valued.json(), "requestId": ""} == {**priced.json(), "requestId": ""}


def test_batch_keeps_the_order_of_the_houses(valuing: TestClient) -> None:
    asked = houses_json(45)
    answer = valuing.post(f"{BATCH}?include=comparables", json=batch_json(asked))
    assert answer.status_code == 200
    document = ValuationsDocument.model_validate_json(answer.content)
    assert [one.id for one in document.valuations] == [one["id"] for one in asked]
    assert len({one.transaction_id for one in document.valuations}) == len(asked)


@pytest.mark.parametrize(("count", "status"), [(MAX_VALUED_HOUSES, 200), (MAX_VALUED_HOUSES + 1, 422), (0, 422)])
@pytest.mark.parametrize("is_regular", [True, False])
def test_batch_has_up_to_200_houses(valuing: TestClient, count: int, status: int, *, is_regular: bool) -> None:
    documents = houses_json(count)
    if not is_regular and documents:
        documents[0]["alley"] = ABSENT
        documents[0] = {key: one for key, one in documents[0].items() if one is not ABSENT}
    answer = valuing.post(f"{BATCH}?include=", json=batch_json(documents))
    assert answer.status_code == status
    if count > MAX_VALUED_HOUSES:
        (finding,) = answer.json()["detail"]
        assert (finding["loc"], finding["ctx"]["max_length"]) == (["body", "data"], MAX_VALUED_HOUSES)


def test_invalid_house_is_named_and_nothing_is_valued(valuing: TestClient) -> None:
    answer = valuing.post(BATCH, json=batch_json([house_json(), house_json(street="Dummy")]))
    assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (422, ["body", "data", 1, "street"])


@pytest.mark.parametrize(
    ("path", "body", "other"),
    [(VALUE, batch_json([house_json()]), BATCH), (BATCH, house_json(), VALUE), (BATCH, [house_json()], VALUE)],
)
def test_wrong_operation_names_the_right_one(valuing: TestClient, path: str, body: Any, other: str) -> None:
    (finding,) = valuing.post(path, json=body).json()["detail"]
    assert finding["msg"].endswith(f"use POST {other}")


def test_bodies_are_limited(valuing: TestClient) -> None:
    limits = services_of(valuing).body_limits
    assert limits.valuation_batch_bytes == MAX_VALUED_HOUSES * limits.predict_bytes
    replace_services(valuing, body_limits=dataclasses.replace(limits, valuation_batch_bytes=1_000, predict_bytes=900))
    for path, limit in ((VALUE, 900), (BATCH, 1_000)):
        answer = valuing.post(path, json=batch_json(houses_json(2)))
        assert (answer.status_code, answer.json()["limitBytes"]) == (413, limit)


def test_caller_may_shorten_the_deadline(api: TestClient) -> None:
    serve(api, FakePriceModel(), FakeComparablesModel(gate=asyncio.Event()))
    answer = api.post(VALUE, json=house_json(), headers={"X-Request-Timeout-Ms": "100"})
    assert answer.status_code == 200
    assert [problem["status"] for problem in answer.json()["problems"]] == [504]
    refused = api.post(VALUE, json=house_json(), headers={"X-Request-Timeout-Ms": "0"})
    assert refused.json()["detail"][0]["loc"] == ["header", "X-Request-Timeout-Ms"]
