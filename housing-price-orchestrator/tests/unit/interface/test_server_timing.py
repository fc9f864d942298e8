"""The `Server-Timing` header reports the duration of each processing step."""

import re

from fastapi.testclient import TestClient

from factories import batch_bytes, house_bytes, houses_json, replace_services
from fakes import FakePriceModel
from housing_price_orchestrator.service.pricing import Pricing
from servers import StubModelServer, says

PREDICT = "/api/v1/price/predict"
PARTS = ["validate", "queue", "model", "encode", "total"]


def timings(header: str) -> dict[str, float]:
    """Parse a `Server-Timing` header, in milliseconds."""
    parts = [re.fullmatch(r"([a-z]+);dur=([0-9]+\.[0-9]{3})", part) for part in header.split(", ")]
    return {part[1]: float(part[2]) for part in parts if part is not None}


def test_a_response_reports_the_duration_of_each_step(api: TestClient) -> None:
    for path, body in ((PREDICT, house_bytes()), (f"{PREDICT}/batch", batch_bytes(houses_json(30)))):
        found = timings(api.post(path, content=body).headers["server-timing"])
        assert list(found) == PARTS
        # Rounding tolerance: 0.001 ms per step.
        assert sum(found[part] for part in PARTS[:-1]) <= found["total"] + 0.005


def test_an_error_reports_the_steps_that_took_place(api: TestClient, stub: StubModelServer) -> None:
    invalid = api.post(PREDICT, content=house_bytes(street="Dummy"))
    assert list(timings(invalid.headers["server-timing"])) == ["validate", "total"]
    stub.behaviour = says(500)
    failed = timings(api.post(PREDICT, content=house_bytes()).headers["server-timing"])
    assert list(failed) == ["validate", "queue", "model", "total"]
    assert failed["model"] > 0


def test_every_response_has_a_total_duration_and_a_request_id(api: TestClient) -> None:
    replace_services(api, pricing=Pricing(FakePriceModel(error=RuntimeError("a defect"))))
    answers = (api.get("/"), api.get("/no/such/path"), api.get(PREDICT), api.post(PREDICT, content=house_bytes()))
    assert [answer.status_code for answer in answers] == [200, 404, 405, 500]
    for answer in answers:
        assert timings(answer.headers["server-timing"])["total"] > 0
        assert answer.headers["x-request-id"]


def test_a_stream_has_no_server_timing(api: TestClient) -> None:
    stream = api.post(f"{PREDICT}/stream", content=house_bytes(), headers={"content-type": "application/x-ndjson"})
    assert stream.status_code == 200
    assert "server-timing" not in stream.headers
    assert stream.headers["x-request-id"]
