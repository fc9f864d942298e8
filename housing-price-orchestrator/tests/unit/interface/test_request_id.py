import re

import pytest
from fastapi.testclient import TestClient

from factories import house_bytes
from housing_price_orchestrator.interface.request_id import REQUEST_ID_HEADER, choose_request_id

MADE = re.compile(r"[0-9a-f]{32}")


@pytest.mark.parametrize("given", ["a", "A-b_c.9", "x" * 64, "0193-req"])
def test_the_callers_id_is_kept(given: str) -> None:
    assert choose_request_id([(b"host", b"here"), (REQUEST_ID_HEADER, given.encode())]) == given


@pytest.mark.parametrize(
    "given", ["", "x" * 65, "two words", "semi;colon", "line\nbreak", "a\n", "é", '{"json":1}', "\x1b[31m", "../x"]
)
def test_an_id_that_could_do_harm_is_replaced(given: str) -> None:
    assert MADE.fullmatch(choose_request_id([(REQUEST_ID_HEADER, given.encode())]))


def test_without_an_id_a_new_one_is_made_each_time() -> None:
    first, second = choose_request_id([]), choose_request_id([])
    assert first != second
    assert MADE.fullmatch(first)


@pytest.mark.parametrize("path", ["/", "/livez", "/readyz", "/nowhere", "/docs", "/openapi.json"])
def test_every_answer_names_its_request(api: TestClient, path: str) -> None:
    assert api.get(path, headers={"x-request-id": "mine"}).headers["x-request-id"] == "mine"


def test_a_price_names_its_request(api: TestClient) -> None:
    answer = api.post("/api/v1/price/predict", content=house_bytes(), headers={"x-request-id": "mine"})
    assert answer.headers.get_list("x-request-id") == ["mine"]
