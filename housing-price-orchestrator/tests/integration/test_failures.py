"""Answers and readiness while the model server dies, is down, and comes back."""

import asyncio
import contextlib
import json
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from factories import house_bytes
from servers import LISTENS, Call, Process, StubModelServer, hangs, reserved_port

PREDICT = "/api/v1/price/predict"

BOUNDED_SECONDS = 10.0
"""Timeout of a caller: far more than an answer takes, and far less than a hung request would."""


def serving(model_server: str, **variables: str) -> Process:
    return Process(
        *(sys.executable, "-m", "housing_price_orchestrator", "serve", "--port", "0"),
        ORCHESTRATOR_MODEL_SERVER__BASE_URL=model_server,
        ORCHESTRATOR_READINESS__PROBE_INTERVAL_SECONDS="0.05",
        **variables,
    )


def client_of(process: Process) -> httpx.Client:
    return httpx.Client(base_url=process.says(LISTENS)[1], timeout=BOUNDED_SECONDS, trust_env=False)


def eventually(ask: Callable[[], httpx.Response], status: int) -> httpx.Response:
    """Ask again and again, for a bounded time, until the answer has this status."""
    pause, answer = threading.Event(), ask()
    for _ in range(600):
        if answer.status_code == status:
            break
        pause.wait(0.05)
        answer = ask()
    assert answer.status_code == status, answer.text
    return answer


def test_it_starts_without_a_model_server_and_says_what_is_missing() -> None:
    with reserved_port() as port, serving(f"http://127.0.0.1:{port}") as process, client_of(process) as http:
        assert http.get("/livez").status_code == 200
        answer = eventually(lambda: http.get("/readyz"), 503)
        assert int(answer.headers["retry-after"]) >= 1
        assert answer.json()["missing"]
        answer = http.post(PREDICT, content=house_bytes())
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) >= 1


def test_a_model_server_that_is_killed_and_started_again_is_noticed_both_times(champion: Path) -> None:
    with contextlib.ExitStack() as stack:
        port = stack.enter_context(reserved_port())
        command = (sys.executable, "-m", "housing_price_model", "serve", "--model", str(champion), "--port", str(port))
        orchestrator = serving(f"http://127.0.0.1:{port}", ORCHESTRATOR_REQUESTS__DEADLINE_SECONDS="60")
        http = stack.enter_context(client_of(stack.enter_context(orchestrator)))
        with Process(*command) as model_server:
            model_server.says(LISTENS)
            eventually(lambda: http.get("/readyz"), 200)
            assert http.post(PREDICT, content=house_bytes()).status_code == 200
            model_server.kill()
            answer = http.post(PREDICT, content=house_bytes())
            assert answer.status_code == 503
            assert int(answer.headers["retry-after"]) >= 1
            eventually(lambda: http.get("/readyz"), 503)
            assert http.get("/livez").status_code == 200
        with Process(*command) as model_server:
            model_server.says(LISTENS)
            eventually(lambda: http.get("/readyz"), 200)
            eventually(lambda: http.post(PREDICT, content=house_bytes()), 200)


def test_a_model_server_that_hangs_is_a_missed_deadline(stub: StubModelServer) -> None:
    stub.behaviour = hangs
    with serving(stub.url, ORCHESTRATOR_REQUESTS__DEADLINE_SECONDS="0.3") as process, client_of(process) as http:
        assert http.post(PREDICT, content=house_bytes()).status_code == 504
        assert http.get("/livez").status_code == 200


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_order(stub: StubModelServer, ending: signal.Signals) -> None:
    with serving(stub.url) as process, client_of(process) as http:
        assert http.post(PREDICT, content=house_bytes()).status_code == 200
        http.close()
        assert process.stop(ending) == 0
        assert "Traceback" not in process.output


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_and_all_its_workers(stub: StubModelServer, ending: signal.Signals) -> None:
    with serving(stub.url, ORCHESTRATOR_SERVER__WORKERS="2") as process, client_of(process) as http:
        # The line with the address comes before there is a worker that listens.
        for _ in range(2):
            process.says("Application startup complete")
        assert http.post(PREDICT, content=house_bytes()).status_code == 200
        http.close()
        assert process.stop(ending) == 0
        assert "Traceback" not in process.output


def test_what_is_under_way_is_finished_before_it_ends(stub: StubModelServer) -> None:
    good, asked, may_answer = stub.behaviour, threading.Event(), threading.Event()

    async def waits(call: Call, writer: asyncio.StreamWriter) -> None:
        if 54_321 in call.rows[0]:
            asked.set()
            await asyncio.to_thread(may_answer.wait, BOUNDED_SECONDS)
        await good(call, writer)

    stub.behaviour = waits
    statuses: list[int] = []
    with serving(stub.url, ORCHESTRATOR_REQUESTS__DEADLINE_SECONDS="60") as process, client_of(process) as http:
        asking = threading.Thread(
            target=lambda: statuses.append(http.post(PREDICT, content=house_bytes(lotArea=54_321)).status_code)
        )
        asking.start()
        assert asked.wait(BOUNDED_SECONDS)
        process.send(signal.SIGTERM)
        process.says("Shutting down", BOUNDED_SECONDS)
        may_answer.set()
        asking.join(BOUNDED_SECONDS)
        assert statuses == [200]
        assert process.wait() == 0


def test_a_configuration_that_cannot_be_used_ends_the_start_with_the_name_of_the_variable() -> None:
    with serving("not-an-address", ORCHESTRATOR_SERVER__HOST="0.0.0.0") as process:  # noqa: S104 - refused
        assert process.wait() == 2
        assert "ORCHESTRATOR_MODEL_SERVER__BASE_URL" in process.output
        assert "Traceback" not in process.output


def test_every_line_that_it_writes_is_json(stub: StubModelServer) -> None:
    with serving(stub.url) as process, client_of(process) as http:
        http.post(PREDICT, content=house_bytes(), headers={"x-request-id": "the-one"})
        process.says("the-one", BOUNDED_SECONDS)
        http.close()
        assert process.stop() == 0
        events = [json.loads(line) for line in process.lines]
    assert {"service", "event", "level", "time"} <= set.intersection(*(set(event) for event in events))
    (line,) = (event for event in events if event.get("request_id") == "the-one")
    assert (line["status"], line["path"]) == (200, PREDICT)
