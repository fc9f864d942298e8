"""One path through the real servers: train a small model, serve it, and use every way to price houses."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from factories import batch_json, house_json, houses_json, price_in
from waiting import wait_until

from .real_services import Service

PRICE = "/api/v1/price/predict"
SECONDS = 60


@pytest.fixture(scope="module")
def api(service: Service) -> Iterator[httpx.Client]:
    """A client of the API, whose model servers serve quickly trained models."""
    with httpx.Client(base_url=service.url, timeout=SECONDS, trust_env=False) as client:
        yield client


@pytest.fixture(scope="module")
def prices(api: httpx.Client) -> list[dict[str, Any]]:
    """The responses for three houses that were priced one by one."""
    answers = [api.post(PRICE, json=house) for house in houses_json(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    return [answer.json() for answer in answers]


def test_a_batch_returns_the_prices_of_single_requests_in_order(
    api: httpx.Client, prices: list[dict[str, Any]]
) -> None:
    answer = api.post(f"{PRICE}/batch", json=batch_json(houses_json(3)))
    assert answer.status_code == 200
    assert list(map(price_in, answer.json()["predictions"])) == list(map(price_in, prices))


def test_a_stream_returns_the_prices_of_single_requests_in_order(
    api: httpx.Client, prices: list[dict[str, Any]]
) -> None:
    lines = "".join(json.dumps(house) + "\n" for house in houses_json(3))
    answer = api.post(f"{PRICE}/stream", content=lines, headers={"content-type": "application/x-ndjson"})
    assert answer.status_code == 200
    streamed = [json.loads(line) for line in answer.text.splitlines()]
    assert [price["predictedPrice"] for price in streamed] == [price["predictedPrice"] for price in prices]


def test_a_job_prices_a_file_and_returns_the_refused_rows_separately(
    api: httpx.Client, prices: list[dict[str, Any]]
) -> None:
    rows = [*houses_json(3), house_json(id=4, street="Dummy")]
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    answer = api.post("/api/v1/jobs/scoring", content=lines, headers={"content-type": "application/x-ndjson"})
    assert answer.status_code == 202, answer.text
    location = answer.headers["location"]
    wait_until(
        lambda: api.get(location).json()["state"] in {"succeeded", "failed"}, "the job did not end", seconds=SECONDS
    )
    assert api.get(location).json()["state"] == "succeeded"
    result = [json.loads(line) for line in api.get(f"{location}/result").text.splitlines()]
    assert [price["predictedPrice"] for price in result] == [price["predictedPrice"] for price in prices]
    refused = api.get(f"{location}/refused")
    assert refused.status_code == 200
    assert "street" in refused.text


def test_a_price_is_in_the_prediction_log_with_the_house_that_was_sent(
    api: httpx.Client, prices: list[dict[str, Any]]
) -> None:
    location = f"/api/v1/predictions/{prices[0]['transactionId']}"
    wait_until(lambda: api.get(location).status_code == 200, "the price is not in the log", seconds=SECONDS)
    logged = api.get(location).json()
    assert logged["predictedPrice"] == prices[0]["predictedPrice"]
    assert logged["house"] == houses_json(3)[0]


def test_an_invalid_value_is_refused_and_the_error_names_its_field(api: httpx.Client) -> None:
    answer = api.post(PRICE, json=house_json(street="Dummy"))
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["body", "street"]
