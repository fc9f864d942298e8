"""Every request has an id, from the caller or newly made."""

import re

import pytest
from fastapi.testclient import TestClient

from factories import house_bytes
from housing_price_orchestrator.interface.request_id import REQUEST_ID_HEADER, choose_request_id

MADE = re.compile(r"[0-9a-f]{32}")


@pytest.mark.parametrize("given", ["a", "A-b_c.9", "x" * 64, "0193-req"])
def test_a_valid_id_from_the_caller_is_kept(given: str) -> None:
    assert choose_request_id([(b"host", b"here"), (REQUEST_ID_HEADER, given.encode())]) == given


@pytest.mark.parametrize(
    "given", ["", "x" * 65, "two words", "semi;colon", "line\nbreak", "a\n", "é", '{"json":1}', "\x1b[31m", "../x"]
)
def test_an_unsafe_id_is_replaced(given: str) -> None:
    assert MADE.fullmatch(choose_request_id([(REQUEST_ID_HEADER, given.encode())]))


def test_each_request_without_an_id_gets_a_new_one() -> None:
    first, second = choose_request_id([]), choose_request_id([])
    assert first != second
    assert MADE.fullmatch(first)


@pytest.mark.parametrize("path", ["/", "/livez", "/readyz", "/nowhere", "/docs", "/openapi.json"])
def test_every_response_has_the_request_id(api: TestClient, path: str) -> None:
    assert api.get(path, headers={"x-request-id": "mine"}).headers["x-request-id"] == "mine"


def test_a_prediction_has_the_request_id(api: TestClient) -> None:
    answer = api.post("/api/v1/price/predict", content=house_bytes(), headers={"x-request-id": "mine"})
    assert answer.headers.get_list("x-request-id") == ["mine"]
