"""The steps of `docs/follow-a-price.md`, one after the other, on the real services."""

import json
import math
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from collector import Collector
from factories import EXAMPLES
from housing_price_orchestrator.app import openapi_document
from housing_price_orchestrator.shared.view.house import House
from servers import LISTENS, Process
from waiting import wait_until

PREDICT = "/api/v1/price/predict"
SOLD_FOR_USD = 105_000

REQUEST = (EXAMPLES / "request-1461.json").read_bytes()


class Services:
    """The services, and where they write."""

    def __init__(self, orchestrator: Process, model_server: Process, collector: Collector, log: str) -> None:
        self.orchestrator = orchestrator
        self.model_server = model_server
        self.collector = collector
        self.log = log


@pytest.fixture
def services(champion: Path, tmp_path: Path) -> Iterator[Services]:
    log = f"sqlite:///{tmp_path / 'predictions.db'}"
    serve = ("-m", "housing_price_model", "serve", "--model", str(champion), "--port", "0")
    with (
        Collector() as collector,
        Process(sys.executable, *serve) as model_server,
        Process(
            *(sys.executable, "-m", "housing_price_orchestrator", "serve", "--port", "0"),
            ORCHESTRATOR_MODEL_SERVER__BASE_URL=model_server.says(LISTENS)[1],
            ORCHESTRATOR_PREDICTION_LOG__URL=log,
            ORCHESTRATOR_REQUESTS__DEADLINE_SECONDS="60",
            OTEL_EXPORTER_OTLP_ENDPOINT=collector.url,
        ) as orchestrator,
    ):
        yield Services(orchestrator, model_server, collector, log)


def test_a_price_is_followed_from_the_answer_to_the_model_and_back(
    services: Services, champion: Path, tmp_path: Path
) -> None:
    url = services.orchestrator.says(LISTENS)[1]
    with httpx.Client(base_url=url, timeout=60, trust_env=False) as client:
        # 1. The answer.
        answer = client.post(PREDICT, content=REQUEST, headers={"x-request-id": "follow-me"})
        assert answer.status_code == 200
        assert answer.headers["x-request-id"] == "follow-me"
        priced = answer.json()
        # 2. The log of the orchestrator.
        line = json.loads(services.orchestrator.says('"request_id":"follow-me"').string)
        assert (line["status"], line["rows"], line["model_id"]) == (200, 1, priced["model"]["id"])
        (call_id,), trace_id = line["call_ids"], line["trace_id"]
        # 4. The log of the model server.
        services.model_server.says(
            f'"path":"/invocations","status":200,.*"request_id":"{call_id}","trace_id":"{trace_id}"'
        )
        # 5. The prediction log.
        transaction = f"/api/v1/predictions/{priced['transactionId']}"
        wait_until(lambda: client.get(transaction).is_success, "it was not logged")
        logged = client.get(transaction).json()
        assert client.get("/api/v1/predictions", params={"requestId": "follow-me"}).json()["predictions"] == [logged]
        assert logged["house"] == json.loads(REQUEST)
        assert House.model_validate(logged["house"]) == House.model_validate_json(REQUEST)
        assert {key: logged[key] for key in ("predictedPrice", "priceInterval", "model")} == {
            key: priced[key] for key in ("predictedPrice", "priceInterval", "model")
        }
        again = client.post(PREDICT, json=logged["house"]).json()
        assert again["predictedPrice"] == priced["predictedPrice"]
        # 7. The sale price.
        sale = {"transactionId": priced["transactionId"], "salePrice": SOLD_FOR_USD, "soldOn": "2010-06-01"}
        assert client.post("/api/v1/price/actuals", json={"data": [sale]}).json()["stored"] == 1
        (error,) = client.get("/api/v1/price/actuals/errors").json()["errors"]
        assert (error["count"], error["month"]) == (1, "2010-06")
        assert error["modelVersion"] == priced["model"]["version"]
        assert error["meanAbsoluteError"] == abs(priced["predictedPrice"] - SOLD_FOR_USD)
        assert error["rmsle"] == pytest.approx(abs(math.log(priced["predictedPrice"] / SOLD_FOR_USD)))
    # Before it ends, it writes the queued rows and exports the queued spans.
    assert services.orchestrator.stop() == 0
    # 3. The trace.
    spans = {span.span_id: span for span in services.collector.spans if span.trace_id == trace_id}
    request_span = next(span for span in spans.values() if span.parent_id not in spans)
    assert "follow-me" in request_span.attributes.values()
    assert any(span.parent_id == request_span.span_id for span in spans.values())
    # 6. Replay.
    report = tmp_path / "replay.json"
    options = ("--log", services.log, "--model", str(champion), "--json", str(report))
    replayed = subprocess.run(
        [sys.executable, "-m", "housing_price_model", "replay", *options],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert replayed.returncode == 0, replayed.stdout + replayed.stderr


def test_the_document_names_the_operations_that_there_are() -> None:
    text = (EXAMPLES.parent / "docs" / "follow-a-price.md").read_text(encoding="utf-8")
    for path in (PREDICT, "/api/v1/predictions", "/api/v1/price/actuals", "/api/v1/price/actuals/errors"):
        assert path in text
        assert path in openapi_document()["paths"]
