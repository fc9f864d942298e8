"""Cached and last-known prices over HTTP: off by default, and marked in body and header."""

import json

import pytest

from conftest import StartApp
from factories import batch_bytes, house_bytes, houses_json
from servers import StubModelServer, says

PREDICT = "/api/v1/price/predict"
BATCH = f"{PREDICT}/batch"


def test_by_default_every_price_comes_from_the_model(stub: StubModelServer, start_app: StartApp) -> None:
    api = start_app(stub.url)
    for _ in range(2):
        answer = api.post(PREDICT, content=house_bytes())
        assert "x-price-source" not in answer.headers
        assert not {"cached", "degraded"} & set(answer.json())
    stub.behaviour = says(503)
    assert api.post(PREDICT, content=house_bytes()).status_code == 503


def test_a_cached_price_is_marked(stub: StubModelServer, start_app: StartApp) -> None:
    api = start_app(stub.url, fallback={"cache_seconds": 60})
    first = api.post(PREDICT, content=house_bytes())
    second = api.post(PREDICT, content=house_bytes())
    assert "x-price-source" not in first.headers
    assert second.headers["x-price-source"] == "cache"
    assert second.json()["cached"] is True
    assert "degraded" not in second.json()
    assert second.json()["predictedPrice"] == first.json()["predictedPrice"]
    assert second.json()["transactionId"] != first.json()["transactionId"]


def test_a_last_known_price_is_marked(stub: StubModelServer, start_app: StartApp) -> None:
    api = start_app(stub.url, fallback={"last_known_seconds": 60})
    good = api.post(BATCH, content=batch_bytes(houses_json(3)))
    stub.behaviour = says(503)
    answer = api.post(BATCH, content=batch_bytes(houses_json(3)))
    assert answer.status_code == 200
    assert answer.headers["x-price-source"] == "last-known"
    for before, now in zip(good.json()["predictions"], answer.json()["predictions"], strict=True):
        assert now["degraded"] is True
        assert "cached" not in now
        assert now["predictedPrice"] == before["predictedPrice"]
    # A house that was never priced has no last known price.
    assert api.post(PREDICT, content=house_bytes(lotArea=77_777)).status_code == 503


def test_a_batch_marks_only_its_cached_houses(stub: StubModelServer, start_app: StartApp) -> None:
    api = start_app(stub.url, fallback={"cache_seconds": 60})
    api.post(BATCH, content=batch_bytes(houses_json(2)))
    answer = api.post(BATCH, content=batch_bytes(houses_json(4)))
    assert [one.get("cached", False) for one in answer.json()["predictions"]] == [True, True, False, False]
    assert answer.headers["x-price-source"] == "cache"


@pytest.mark.parametrize("fallback", [{"cache_seconds": 60}, {"last_known_seconds": 60}])
def test_a_stream_marks_cached_lines(stub: StubModelServer, start_app: StartApp, fallback: dict[str, float]) -> None:
    api = start_app(stub.url, fallback=fallback)
    lines = b"\n".join(json.dumps(one).encode() for one in houses_json(3))
    marks = []
    for _ in range(2):
        answer = api.post(f"{PREDICT}/stream", content=lines, headers={"content-type": "application/x-ndjson"})
        marks.append([set(json.loads(line)) & {"cached", "degraded"} for line in answer.text.splitlines()])
        if "last_known_seconds" in fallback:
            stub.behaviour = says(503)
    assert marks == [[set()] * 3, [{"cached" if "cache_seconds" in fallback else "degraded"}] * 3]
