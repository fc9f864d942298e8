"""The header with which a caller shortens the time limit of its request."""

import asyncio

import pytest
from fastapi.testclient import TestClient

from factories import batch_bytes, house_bytes, houses_json, raw_headers, replace_services
from fakes import FakePriceModel
from housing_price_orchestrator.interface.timeout import MAX_MILLISECONDS, TIMEOUT_HEADER
from housing_price_orchestrator.service.pricing import Pricing
from housing_price_orchestrator.service.resilience.deadline import DeadlineModel

PREDICT = "/api/v1/price/predict"
OPERATIONS = {
    PREDICT: (house_bytes(), "application/json"),
    f"{PREDICT}/batch": (batch_bytes(houses_json(3)), "application/json"),
    f"{PREDICT}/stream": (house_bytes() + b"\n", "application/x-ndjson"),
}


def post(api: TestClient, path: str, timeout: str | bytes) -> tuple[int, str]:
    body, kind = OPERATIONS[path]
    answer = api.post(path, content=body, headers=raw_headers({"content-type": kind, TIMEOUT_HEADER: timeout}))
    return answer.status_code, answer.text


@pytest.mark.parametrize("path", OPERATIONS)
@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("soon", "int_parsing"),
        ("", "int_parsing"),
        ("1.5", "int_parsing"),
        ("nan", "int_parsing"),
        ("0", "greater_than_equal"),
        ("-5", "greater_than_equal"),
        (str(MAX_MILLISECONDS + 1), "less_than_equal"),
        ("9" * 5_000, "int_parsing_size"),
        (b"\xff\xfe", "int_parsing"),
    ],
    ids=lambda value: repr(value)[:12],
)
def test_an_invalid_value_is_rejected_by_the_name_of_the_header(
    api: TestClient, path: str, value: str | bytes, kind: str
) -> None:
    body, media_type = OPERATIONS[path]
    answer = api.post(path, content=body, headers=raw_headers({"content-type": media_type, TIMEOUT_HEADER: value}))
    assert answer.status_code == 422
    (finding,) = answer.json()["detail"]
    assert finding["loc"] == ["header", "X-Request-Timeout-Ms"]
    assert finding["type"] == kind
    assert finding["msg"]


@pytest.mark.parametrize("path", OPERATIONS)
@pytest.mark.parametrize("value", ["1000", str(MAX_MILLISECONDS), " 20000 "])
def test_a_sufficient_timeout_changes_nothing(api: TestClient, path: str, value: str) -> None:
    status, text = post(api, path, value)
    assert status == 200
    assert "predictedPrice" in text


@pytest.mark.parametrize("path", OPERATIONS)
def test_an_exceeded_timeout_is_a_504(api: TestClient, path: str) -> None:
    endless = FakePriceModel(gate=asyncio.Event())
    replace_services(api, pricing=Pricing(DeadlineModel(endless, seconds=60), deadline_seconds=60))
    status, text = post(api, path, "20")
    # A stream has already sent its status, so it reports the error in each line.
    assert status == (200 if path.endswith("stream") else 504)
    assert "deadline-exceeded" in text


def test_a_caller_cannot_extend_the_deadline_of_the_service(api: TestClient) -> None:
    endless = FakePriceModel(gate=asyncio.Event())
    replace_services(api, pricing=Pricing(DeadlineModel(endless, seconds=0.02), deadline_seconds=0.02))
    assert post(api, PREDICT, str(MAX_MILLISECONDS))[0] == 504


@pytest.mark.parametrize("path", OPERATIONS)
def test_the_header_is_documented(api: TestClient, path: str) -> None:
    operation = api.get("/openapi.json").json()["paths"][path]["post"]
    (parameter,) = (one for one in operation["parameters"] if one["name"] == TIMEOUT_HEADER)
    assert (parameter["in"], parameter["required"]) == ("header", False)
    assert parameter["schema"] == {"type": "integer", "minimum": 1, "maximum": MAX_MILLISECONDS}
    assert "422" in operation["responses"]
