"""Keys as an operator and a caller meet them: real commands, a real server, real connections."""

import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from factories import batch_bytes, bearer, house_bytes, houses_json, new_key
from housing_price_orchestrator.provider.access.key_file import revoke_key
from servers import LISTENS, Process, StubModelServer

PREDICT = "/api/v1/price/predict"
BATCH = "/api/v1/price/predict/batch"
STREAM = "/api/v1/price/predict/stream"

COMMAND = (sys.executable, "-m", "housing_price_orchestrator")

TAKEN_UP_SECONDS = 30.0
"""Maximum wait for a change that takes a second on an idle machine."""


def keys(file: Path, *arguments: str) -> str:
    command = (*COMMAND, "keys", *arguments, "--file", str(file))
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout.strip()


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("keys") / "keys.json"


@pytest.fixture(scope="module")
def key(file: Path) -> str:
    return new_key(file)


@contextmanager
def serving(file: Path, **variables: str) -> Iterator[Process]:
    """The shipped program, which asks for keys."""
    with (
        StubModelServer() as stub,
        Process(
            *(*COMMAND, "serve", "--port", "0"),
            **{
                "ORCHESTRATOR_MODEL_SERVER__BASE_URL": stub.url,
                "ORCHESTRATOR_AUTH__KEYS_FILE": str(file),
                "ORCHESTRATOR_AUTH__REQUIRED": "true",
                "ORCHESTRATOR_LOG__LEVEL": "debug",
                "ORCHESTRATOR_REQUESTS__DEADLINE_SECONDS": "60",
                **variables,
            },
        ) as process,
    ):
        yield process


@pytest.fixture(scope="module")
def server(file: Path, key: str) -> Iterator[tuple[Process, str]]:
    """The program and its address."""
    assert key
    with serving(file) as process:
        yield process, process.says(LISTENS)[1]


@pytest.fixture
def http(server: tuple[Process, str]) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server[1], timeout=60, trust_env=False) as client:
        yield client


def until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + TAKEN_UP_SECONDS
    while not is_so():
        assert time.monotonic() < deadline, f"not so after {TAKEN_UP_SECONDS} s"


def status(address: str, key: str) -> int:
    """Return the status of a request on a new connection, which any of the workers may answer."""
    answer = httpx.post(address + PREDICT, content=house_bytes(), headers=bearer(key), timeout=60, trust_env=False)
    return answer.status_code


def test_a_key_is_created_used_and_revoked_without_a_restart(server: tuple[Process, str], file: Path) -> None:
    address = server[1]
    key = keys(file, "create", "shop")
    until(lambda: status(address, key) == 200)
    keys(file, "revoke", key.split("_")[1])
    until(lambda: status(address, key) == 401)


def test_every_worker_takes_up_what_changes(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    new_key(file)
    with serving(file, ORCHESTRATOR_SERVER__WORKERS="2") as process:
        address = process.says(LISTENS)[1]
        for _ in range(2):
            # The address is told before the workers listen there.
            process.says("Application startup complete")
        key = new_key(file)
        until(lambda: [status(address, key) for _ in range(8)] == [200] * 8)
        revoke_key(file, key.split("_")[1], now=datetime.now(UTC))
        until(lambda: [status(address, key) for _ in range(8)] == [401] * 8)


def test_neither_a_key_nor_a_guess_is_ever_logged(server: tuple[Process, str], http: httpx.Client, key: str) -> None:
    guess = "hp_01234567_" + "guess" * 12
    shown = [bearer(key), bearer(guess), {"X-API-Key": guess}, {"Authorization": f"Basic {guess}"}]
    for number, headers in enumerate(shown):
        http.post(PREDICT, content=house_bytes(), headers={**headers, "X-Request-ID": f"logged-{number}"})
    process = server[0]
    until(lambda: all(f"logged-{number}" in process.output for number in range(len(shown))))
    assert key.split("_")[2] not in process.output
    assert "guess" not in process.output
    # Whose request it was can be read all the same.
    line = next(line for line in process.lines if "logged-0" in line)
    assert key.split("_")[1] in line


@pytest.mark.parametrize("path", [PREDICT, BATCH, STREAM])
@pytest.mark.parametrize("is_length_known", [True, False])
def test_whoever_sends_much_without_a_key_sees_why_it_is_refused(
    http: httpx.Client, key: str, path: str, is_length_known: bool
) -> None:
    mebibytes = 8
    chunk = b" " * 1024 * 1024
    body = chunk * mebibytes if is_length_known else iter([chunk] * mebibytes)
    kind = "application/x-ndjson" if path == STREAM else "application/json"
    answer = http.post(path, content=body, headers={"content-type": kind})
    assert answer.status_code == 401
    assert answer.json()["requestId"] == answer.headers["x-request-id"]
    # The same connection is good for the next request.
    assert http.post(PREDICT, content=house_bytes(), headers=bearer(key)).status_code == 200


def test_whoever_asks_before_sending_need_not_send(server: tuple[Process, str]) -> None:
    host, port = server[1].removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        head = f"POST {BATCH} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\nExpect: 100-continue\r\n\r\n"
        connection.sendall(head.encode())
        assert connection.recv(64).startswith(b"HTTP/1.1 401 ")


@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(
    text=st.binary(max_size=300).map(lambda raw: re.sub(rb"[\x00-\x1f\x7f]", b"?", raw)),
    name=st.sampled_from([b"x-api-key", b"authorization"]),
)
def test_random_bytes_as_a_key_are_refused_by_name(http: httpx.Client, text: bytes, name: bytes) -> None:
    value = text.strip() if name == b"x-api-key" else (b"Bearer " + text).strip()
    answer = http.post(PREDICT, content=house_bytes(), headers=[(name, value)])
    assert answer.status_code == 401
    assert answer.json()["type"].rpartition(":")[2] in {"credentials-missing", "credentials-invalid"}


def test_requests_under_way_are_not_disturbed_while_keys_change(
    http: httpx.Client, server: tuple[Process, str], file: Path, key: str
) -> None:
    body = batch_bytes(houses_json(20))
    with ThreadPoolExecutor(1) as pool:
        changing = pool.submit(lambda: [new_key(file) for _ in range(100)])
        statuses = set()
        while not changing.done():
            statuses.add(http.post(BATCH, content=body, headers=bearer(key)).status_code)
    assert statuses == {200}


def test_a_file_that_breaks_shuts_nobody_out_and_the_log_says_so(
    server: tuple[Process, str], http: httpx.Client, file: Path, key: str
) -> None:
    good = file.read_bytes()
    broken = file.with_suffix(".new")
    try:
        broken.write_bytes(b"{")
        broken.replace(file)
        server[0].says("the key file cannot be used", seconds=TAKEN_UP_SECONDS)
        assert http.post(PREDICT, content=house_bytes(), headers=bearer(key)).status_code == 200
    finally:
        broken.write_bytes(good)
        broken.replace(file)


def test_a_server_that_asks_for_keys_may_listen_anywhere_and_ends_in_order(file: Path, key: str) -> None:
    assert key
    with serving(file, ORCHESTRATOR_SERVER__HOST="0.0.0.0") as process:  # noqa: S104 - what it is about
        port = process.says(r"Uvicorn running on http://0.0.0.0:([0-9]+)")[1]
        answer = httpx.post(f"http://127.0.0.1:{port}{PREDICT}", content=house_bytes(), trust_env=False, timeout=60)
        assert answer.status_code == 401
        assert process.stop(signal.SIGTERM) == 0
