"""gRPC in the shipped program: real prices, TLS, several workers, and the end of the service."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from itertools import batched
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
from grpc_tools import protoc

from certificates import certificate
from factories import EXAMPLES, REPOSITORY, batch_json, house_json, survey_houses
from housing_price_orchestrator.interface.grpc.generated import price_pb2
from rpc_client import house_message, is_priced, priced, rpc_client
from servers import LISTENS, Process, StubModelServer, slowly
from waiting import wait_until

RUNS = r"gRPC running on ([0-9.]+:[0-9]+)"
PROTO = REPOSITORY / "housing-price-orchestrator" / "proto"


def serving(model_server: str, **variables: str) -> Process:
    return Process(
        *(sys.executable, "-m", "housing_price_orchestrator", "serve", "--port", "0"),
        ORCHESTRATOR_MODEL_SERVER__BASE_URL=model_server,
        ORCHESTRATOR_REQUESTS__DEADLINE_SECONDS="60",
        ORCHESTRATOR_READINESS__PROBE_TIMEOUT_SECONDS="60",
        **{"ORCHESTRATOR_GRPC__PORT": "0", **variables},
    )


@pytest.fixture(scope="module")
def real(model_server: str) -> Iterator[tuple[str, str]]:
    """The addresses of HTTP and gRPC of the shipped program, in front of the real model server."""
    with serving(model_server) as process:
        address = process.says(RUNS)[1]
        yield process.says(LISTENS)[1], address


def test_every_house_of_the_survey_costs_what_it_costs_over_http_bit_for_bit(real: tuple[str, str]) -> None:
    url, address = real
    documents = survey_houses()
    with httpx.Client(base_url=url, timeout=120, trust_env=False) as http:
        over_http = http.post("/api/v1/price/predict/batch", json=batch_json(documents)).json()["predictions"]
    expected = [
        (one["id"], one["predictedPrice"], one["priceInterval"]["low"], one["priceInterval"]["high"])
        for one in over_http
    ]
    houses = [house_message(document) for document in documents]

    def prices_in(predictions: Any) -> list[tuple[int, float, float, float]]:
        return [(one.id, one.predicted_price, one.price_interval.low, one.price_interval.high) for one in predictions]

    with rpc_client(address) as rpc:
        answer = rpc.call("PredictBatch", price_pb2.PredictBatchRequest(houses=houses), timeout=120)
        assert prices_in(price_pb2.PredictBatchResponse.FromString(answer.message).predictions) == expected
        requests = [price_pb2.PredictStreamRequest(houses=some) for some in batched(houses, 1_000, strict=False)]
        results, status = rpc.stream(requests)
        assert status.code is grpc.StatusCode.OK
        assert prices_in(result.prediction for result in results) == expected
        alone = [priced(rpc.predict(document)) for document in documents[::50]]
        assert prices_in(alone) == expected[::50]
    assert len(expected) == 2_930


def test_the_example_of_the_documents_works_with_a_client_made_from_the_contract(
    real: tuple[str, str], tmp_path: Path
) -> None:
    options = [f"-I{PROTO}", f"--python_out={tmp_path}", f"--grpc_python_out={tmp_path}"]
    assert protoc.main(["protoc", *options, "housing/price/v1/price.proto"]) == 0
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / "grpc_client.py"), real[1]],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
    )
    assert " USD, by model " in done.stdout
    page = (REPOSITORY / "docs" / "grpc.md").read_text(encoding="utf-8")
    shown = page.partition("```python\n")[2].partition("```")[0]
    assert shown in (EXAMPLES / "grpc_client.py").read_text(encoding="utf-8")


def test_calls_are_over_tls_where_http_is(stub: StubModelServer, tmp_path: Path) -> None:
    files = certificate(tmp_path)
    tls = {
        "ORCHESTRATOR_TLS__CERT_FILE": str(files.cert_file),
        "ORCHESTRATOR_TLS__KEY_FILE": str(files.key_file),
    }
    with serving(stub.url, **tls) as process:
        port = process.says(RUNS)[1].rpartition(":")[2]
        trusted = grpc.ssl_channel_credentials(files.cert_file.read_bytes())
        with rpc_client(f"localhost:{port}", trusted) as rpc:
            assert is_priced(rpc.predict(house_json()))
        with rpc_client(f"127.0.0.1:{port}") as rpc:
            assert rpc.predict(house_json()).code is grpc.StatusCode.UNAVAILABLE


def test_several_workers_share_the_port(stub: StubModelServer) -> None:
    with serving(stub.url, ORCHESTRATOR_SERVER__WORKERS="2") as process:
        addresses = {process.says(RUNS)[1] for _ in range(2)}
        assert len(addresses) == 1
        # Each connection belongs to one worker.
        for _ in range(8):
            with rpc_client(next(iter(addresses))) as rpc:
                assert is_priced(rpc.predict(house_json()))
        assert process.stop() == 0
        assert "Traceback" not in process.output


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_port_in_use_is_named_and_ends_the_start(stub: StubModelServer, workers: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        with serving(stub.url, ORCHESTRATOR_GRPC__PORT=port, ORCHESTRATOR_SERVER__WORKERS=workers) as process:
            process.says(f"ORCHESTRATOR_GRPC__PORT={port}: cannot listen")
            assert process.wait() == 2
            assert "Traceback" not in process.output


def test_it_is_off_without_a_port(stub: StubModelServer) -> None:
    with serving(stub.url, ORCHESTRATOR_GRPC__PORT="") as process:
        process.says(LISTENS)
        assert process.stop() == 0
        assert "gRPC" not in process.output


def test_calls_in_progress_finish_and_health_tells_of_the_end_first(stub: StubModelServer) -> None:
    with serving(stub.url, ORCHESTRATOR_SERVER__STOP_NOTICE_SECONDS="2") as process:
        address = process.says(RUNS)[1]
        process.says(LISTENS)
        with rpc_client(address) as rpc:
            assert is_priced(rpc.predict(house_json()))
            stub.behaviour = slowly(3, stub.behaviour)
            before = len(stub.calls)
            answers: list[Any] = []
            waiting = threading.Thread(target=lambda: answers.append(rpc.predict(house_json(lotArea=7_000))))
            waiting.start()
            wait_until(lambda: len(stub.calls) > before, "the call did not reach the model server")
            watch = rpc.channel.unary_stream("/grpc.health.v1.Health/Watch")(b"", timeout=60)
            states = [next(watch)]
            process.send(signal.SIGTERM)
            states += list(watch)
            # SERVING, then NOT_SERVING, while the call is still in progress.
            assert states == [b"\x08\x01", b"\x08\x02"]
            assert not answers
            waiting.join(30)
            assert is_priced(answers[0])
        assert process.wait() == 0
        assert "Traceback" not in process.output


def test_each_call_has_a_log_line_and_a_row_in_the_prediction_log(stub: StubModelServer) -> None:
    with serving(stub.url) as process:
        address, url = process.says(RUNS)[1], process.says(LISTENS)[1]
        with rpc_client(address) as rpc:
            transaction = priced(rpc.predict(house_json(), metadata=[("x-request-id", "one-of-mine")])).transaction_id
            assert rpc.predict(house_json(lotArea=0)).code is grpc.StatusCode.INVALID_ARGUMENT
        with httpx.Client(base_url=url, timeout=60, trust_env=False) as http:
            page = f"/api/v1/predictions/{transaction}"
            wait_until(lambda: http.get(page).status_code == 200, "the prediction was not logged")
            assert http.get(page).json()["requestId"] == "one-of-mine"
        assert process.stop() == 0
        lines = [json.loads(line) for line in process.lines if '"GRPC"' in line]
    assert [(line["grpc_status"], line["status"], line["level"]) for line in lines] == [
        ("OK", 200, "info"),
        ("INVALID_ARGUMENT", 422, "info"),
    ]
    assert lines[0]["request_id"] == "one-of-mine"
    assert lines[0]["route"] == "/housing.price.v1.PriceService/Predict"


def test_metrics_of_all_workers_count_calls(stub: StubModelServer) -> None:
    with serving(stub.url, ORCHESTRATOR_SERVER__WORKERS="2") as process:
        address, url = process.says(RUNS)[1], process.says_again(LISTENS)[1]
        for _ in range(4):
            with rpc_client(address) as rpc:
                assert is_priced(rpc.predict(house_json()))
        counted = (
            'housing_price_request_duration_seconds_count{method="GRPC",'
            'route="/housing.price.v1.PriceService/Predict",status="200"} 4'
        )
        with httpx.Client(base_url=url, timeout=60, trust_env=False) as http:
            wait_until(lambda: counted in http.get("/metrics").text, "the calls were not counted")
