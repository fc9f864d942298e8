"""Every way in which the model server can fail, as seen by a caller."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient

import servers
from factories import batch_bytes, house_bytes, houses_json
from servers import SECRET, Behaviour, StubModelServer, each, predicts, reserved_port, says

SHORT_SECONDS, LONG_SECONDS = 0.3, 60
PREDICT = "/api/v1/price/predict"
BATCH = "/api/v1/price/predict/batch"


def changed(**changes: Any) -> Behaviour:
    """Change only the last prediction of an answer."""
    return predicts(lambda made: {"predictions": [*made[:-1], {**made[-1], **changes}]})


def without(key: str) -> Behaviour:
    return predicts(lambda made: {"predictions": [{k: v for k, v in one.items() if k != key} for one in made]})


def as_text(number: str, key: str = "price") -> Behaviour:
    """Replace a price by text that is not a JSON number, such as NaN, which some encoders write."""
    return predicts(
        lambda made: json.dumps({"predictions": [{**one, key: "@"} for one in made]}).replace('"@"', number).encode()
    )


HTML = f"<html><body><h1>It works! {SECRET}</h1></body></html>".encode()
SAID = json.dumps({"error_code": "BAD_REQUEST", "message": SECRET, "stack_trace": f"Traceback {SECRET}"}).encode()

UNAVAILABLE, BUSY = (503, "model-server-unavailable"), (503, "model-server-busy")
LATE = (504, "deadline-exceeded")
FAILED, REFUSED = (502, "model-server-failed"), (502, "rows-refused")
MALFORMED, INCOMPLETE = (502, "answer-malformed"), (502, "answer-incomplete")
# A flawed prediction may be reported as such or as a malformed answer; for the caller both are a 502.
FLAWED = (502, "answer-malformed", "price-implausible")

FAILURES: dict[str, tuple[Behaviour, tuple[Any, ...]]] = {
    "reset before it answers": (servers.resets_before_it_answers, UNAVAILABLE),
    "closed before it answers": (servers.closes_before_it_answers, UNAVAILABLE),
    "reset in the body": (servers.resets_in_the_body, MALFORMED),
    "closed in the body": (servers.closes_in_the_body, MALFORMED),
    "no answer": (servers.hangs, LATE),
    "no end of the body": (servers.hangs_in_the_body, LATE),
    "a byte at a time": (servers.trickles, LATE),
    "not HTTP": (servers.speaks_no_http, UNAVAILABLE),
    "HTML": (says(200, HTML, content_type="text/html"), MALFORMED),
    "no content": (says(200, b""), MALFORMED),
    "half a document": (says(200, b'{"predictions": [{"price": 1'), MALFORMED),
    "not UTF-8": (says(200, b'{"predictions": ["\xff"]}'), MALFORMED),
    "an error with 200": (says(200, SAID), MALFORMED),
    "a list": (says(200, b"[]"), MALFORMED),
    "a word": (says(200, b'"predictions"'), MALFORMED),
    "null": (says(200, b"null"), MALFORMED),
    "no list of predictions": (says(200, b'{"predictions": {"price": [1]}}'), MALFORMED),
    "deep nesting": (says(200, b'{"predictions":' * 100_000), MALFORMED),
    "gzip that is none": (says(200, HTML, headers={"content-encoding": "gzip"}), MALFORMED),
    "one too few": (predicts(lambda made: {"predictions": made[:-1]}), INCOMPLETE),
    "one too many": (predicts(lambda made: {"predictions": [*made, made[0]]}), INCOMPLETE),
    "none": (predicts(lambda _: {"predictions": []}), INCOMPLETE),
    "NaN": (as_text("NaN"), FLAWED),
    "Infinity": (as_text("Infinity"), FLAWED),
    "-Infinity": (as_text("-Infinity"), FLAWED),
    "1e999": (as_text("1e999"), FLAWED),
    "a number of 400 digits": (as_text("1" * 400), FLAWED),
    "a number of 400 digits in the interval": (as_text("1" * 400, "high"), FLAWED),
    "a model_id that is a document": (each(model_id=SECRET * 1000), FLAWED),
    "a model_id of several lines": (each(model_id="a\nb"), FLAWED),
    "NaN in the interval": (as_text("NaN", "high"), FLAWED),
    "a price of zero": (each(price=0), FLAWED),
    "a negative price": (each(price=-1.0), FLAWED),
    "only the last price is negative": (changed(price=-1.0), FLAWED),
    "null for a price": (each(price=None), FLAWED),
    "text for a price": (each(price="100000"), FLAWED),
    "a boolean for a price": (each(price=True, low=True, high=True), FLAWED),
    "a list for a price": (each(price=[100_000.0]), FLAWED),
    "low above price": (each(price=100.0, low=101.0, high=200.0), FLAWED),
    "price above high": (each(price=100.0, low=50.0, high=99.0), FLAWED),
    "a negative low": (each(price=100.0, low=-1.0, high=200.0), FLAWED),
    "a scalar instead of an object": (predicts(lambda made: {"predictions": [p["price"] for p in made]}), FLAWED),
    "a list instead of an object": (predicts(lambda made: {"predictions": [[p["price"]] for p in made]}), FLAWED),
    "no price": (without("price"), FLAWED),
    "no low": (without("low"), FLAWED),
    "no high": (without("high"), FLAWED),
    "no model_id": (without("model_id"), FLAWED),
    "a number for model_id": (each(model_id=7), FLAWED),
    "an empty model_id": (each(model_id=""), FLAWED),
    "204": (says(204), FAILED),
    "302": (says(302, HTML, headers={"location": "/login"}), FAILED),
    "400": (says(400, SAID), REFUSED),
    "401": (says(401, SAID), FAILED),
    "404": (says(404, SAID), FAILED),
    "422": (says(422, SAID), FAILED),
    "429": (says(429, SAID, headers={"retry-after": "Fri, 31 Dec 1999 23:59:59 GMT"}), BUSY),
    "500": (says(500, SAID), FAILED),
    "502": (says(502, HTML, content_type="text/html"), UNAVAILABLE),
    "503": (says(503, SAID), UNAVAILABLE),
    "504": (says(504, SAID), UNAVAILABLE),
}


@pytest.fixture
def start_api(stub: StubModelServer, start_app: Callable[..., TestClient]) -> Callable[..., TestClient]:
    """Start the application: with a short deadline if the test expects it to be missed, else with a long one."""

    def start_api(expected: tuple[Any, ...]) -> TestClient:
        seconds = SHORT_SECONDS if expected == LATE else LONG_SECONDS
        # The circuit breaker has its own tests; it is off here so that every failure reaches the caller.
        unbroken = {"max_failures": 1000, "max_slow_calls": 1000}
        return start_app(stub.url, requests={"deadline_seconds": seconds}, circuit=unbroken)

    return start_api


def check(answer: Any, expected: tuple[Any, ...]) -> None:
    status, *names = expected
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert set(problem) == {"type", "title", "status", "detail", "requestId"}
    assert problem["type"].removeprefix("urn:housing-price:problem:") in names
    assert problem["status"] == status
    assert problem["requestId"] == answer.headers["x-request-id"]
    if status == 503:
        assert int(answer.headers["retry-after"]) >= 1
    else:
        assert "retry-after" not in answer.headers
    assert SECRET not in answer.text
    assert SECRET not in str(answer.headers)


@pytest.mark.parametrize("name", FAILURES)
def test_each_model_server_failure_has_its_problem_type_and_leaks_nothing(
    name: str, start_api: Callable[..., TestClient], stub: StubModelServer
) -> None:
    stub.behaviour, expected = FAILURES[name]
    api = start_api(expected)
    check(api.post(PREDICT, content=house_bytes()), expected)
    check(api.post(BATCH, content=batch_bytes(houses_json(3))), expected)
    # The service recovers with the model server; on a busy machine it may miss a short deadline first.
    stub.behaviour = predicts()
    assert any(
        api.post(PREDICT, content=house_bytes()).status_code == 200 for _ in range(20 if expected == LATE else 1)
    )


def test_a_model_server_that_refuses_connections_is_unavailable(start_app: Callable[..., TestClient]) -> None:
    with reserved_port() as port:
        api = start_app(f"http://127.0.0.1:{port}", circuit={"max_failures": 1000})
        check(api.post(PREDICT, content=house_bytes()), UNAVAILABLE)
        check(api.post(BATCH, content=batch_bytes(houses_json(3))), UNAVAILABLE)
        check(api.post(BATCH, content=batch_bytes(houses_json(2_500))), UNAVAILABLE)


@pytest.mark.parametrize("name", ["a price of zero", "500", "429", "one too few", "400", "no answer"])
def test_a_batch_of_several_calls_fails_like_one_call(
    name: str, start_api: Callable[..., TestClient], stub: StubModelServer
) -> None:
    stub.behaviour, expected = FAILURES[name]
    check(start_api(expected).post(BATCH, content=batch_bytes(houses_json(2_500))), expected)


def test_an_endless_answer_is_not_read_to_its_end(stub: StubModelServer, start_app: Callable[..., TestClient]) -> None:
    api = start_app(stub.url)
    stub.behaviour = servers.answers_without_end
    check(api.post(PREDICT, content=house_bytes()), MALFORMED)


def test_a_call_that_was_answered_is_not_retried(stub: StubModelServer, start_api: Callable[..., TestClient]) -> None:
    api = start_api(FAILED)
    for name in ("500", "400", "a price of zero", "one too few", "HTML"):
        stub.behaviour, expected = FAILURES[name]
        stub.calls.clear()
        check(api.post(PREDICT, content=house_bytes(lotArea=12_345)), expected)
        # The readiness check also sends predictions, for the example house.
        assert len([call for call in stub.calls if 12_345 in call.rows[0]]) == 1
