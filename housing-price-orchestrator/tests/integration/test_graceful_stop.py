"""SIGTERM: what is under way is answered, what comes late is answered or refused in order, nothing is reset."""

import asyncio
import contextlib
import operator
import os
import resource
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import httpx
import pytest
from benchmarks.processes import process_tree

from factories import house_bytes
from nginx import needs_nginx, running_nginx
from servers import LISTENS, Call, Process, StubModelServer, reserved_port
from waiting import wait_until
from wire import answers_in, connected, head, one_answer, post, until_closed

PREDICT = "/api/v1/price/predict"
BOUNDED_SECONDS = 20.0


def serving(model_server: str, *, port: int = 0, **variables: str) -> Process:
    return Process(
        *(sys.executable, "-m", "housing_price_orchestrator", "serve", "--port", str(port)),
        ORCHESTRATOR_MODEL_SERVER__BASE_URL=model_server,
        ORCHESTRATOR_REQUESTS__DEADLINE_SECONDS="30",
        **variables,
    )


@pytest.mark.parametrize("workers", ["1", "2"])
def test_while_it_is_stopping_it_is_not_ready_and_answers_each_request_as_the_last_of_its_connection(
    stub: StubModelServer, workers: str
) -> None:
    # Long beside what it takes until a worker hears of it: its parent looks for signals twice a second.
    with serving(
        stub.url, ORCHESTRATOR_SERVER__STOP_NOTICE_SECONDS="6", ORCHESTRATOR_SERVER__WORKERS=workers
    ) as process:
        url = process.says(LISTENS)[1]
        # With several workers, the address is printed before the first of them listens.
        for _ in range(int(workers) if workers != "1" else 0):
            process.says("Application startup complete")
        with httpx.Client(base_url=url, timeout=BOUNDED_SECONDS, trust_env=False) as http:
            assert http.post(PREDICT, content=house_bytes()).headers.get("connection") != "close"
            process.send(signal.SIGTERM)
            deadline = time.monotonic() + BOUNDED_SECONDS
            while (answer := http.get("/readyz")).status_code == 200 and time.monotonic() < deadline:
                pass
            assert answer.json()["missing"] == ["This process is shutting down."]
            assert http.get("/livez").status_code == 200
            answer = http.post(PREDICT, content=house_bytes())
            assert (answer.status_code, answer.headers["connection"]) == (200, "close")
        assert process.wait() == 0
        assert "Traceback" not in process.output


def test_idle_connections_are_closed_and_those_with_a_request_are_answered(stub: StubModelServer) -> None:
    good, asked, may_answer = stub.behaviour, threading.Event(), threading.Event()

    async def waits(call: Call, writer: asyncio.StreamWriter) -> None:
        if 54_321 in call.rows[0]:
            asked.set()
            await asyncio.to_thread(may_answer.wait, BOUNDED_SECONDS)
        await good(call, writer)

    stub.behaviour = waits
    with (
        serving(stub.url, ORCHESTRATOR_SERVER__STOP_NOTICE_SECONDS="0.2") as process,
        connected(process.says(LISTENS)[1]) as idle,
        connected(process.says_again(LISTENS)[1]) as busy,
        connected(process.says_again(LISTENS)[1]) as half,
    ):
        idle.sendall(head("GET", "/livez"))
        assert one_answer(idle).status == 200
        busy.sendall(post(PREDICT, house_bytes(lotArea=54_321)))
        late = post(PREDICT, house_bytes())
        half.sendall(late[:100])
        assert asked.wait(BOUNDED_SECONDS)
        process.send(signal.SIGTERM)
        process.says("Shutting down", BOUNDED_SECONDS)
        assert until_closed(idle) == b""
        half.sendall(late[100:])
        (answer,) = answers_in(until_closed(half))
        assert (answer.status, answer.headers["connection"]) == (200, "close")
        may_answer.set()
        (answer,) = answers_in(until_closed(busy))
        assert answer.status == 200
        assert process.wait() == 0
        assert "Traceback" not in process.output


def test_a_stream_that_goes_on_does_not_keep_it_from_ending(stub: StubModelServer) -> None:
    with serving(stub.url, ORCHESTRATOR_SERVER__STOP_NOTICE_SECONDS="0.1") as process:
        with connected(process.says(LISTENS)[1]) as stream:
            line = house_bytes().replace(b"\n", b" ") + b"\n"
            begun = head(
                "POST", "/api/v1/price/predict/stream", content_type="application/x-ndjson", transfer_encoding="chunked"
            )
            stream.sendall(begun + b"%x\r\n%b\r\n" % (len(line), line))
            received = b""
            while b"predictedPrice" not in received:
                received += stream.recv(65_536)
            process.send(signal.SIGTERM)
            began_at = time.monotonic()
            received = until_closed(stream)
            # Cut off, and seen to be: the end of an answer would say that all is there.
            assert not received.endswith(b"0\r\n\r\n")
        assert process.wait() == 0
        assert time.monotonic() - began_at < 10
        assert "Traceback" not in process.output


MAX_STOP_CPU_SECONDS = 0.3
"""The stop takes 0.1 s. With a garbage collection at the end of the API and of its writer process, it takes 0.8 s."""


def test_a_stop_takes_little_cpu_time_so_that_it_is_quick_on_a_busy_machine(stub: StubModelServer) -> None:
    with serving(stub.url) as process:
        url = process.says(LISTENS)[1]
        with httpx.Client(base_url=url, timeout=BOUNDED_SECONDS, trust_env=False) as http:
            assert http.post(PREDICT, content=house_bytes()).status_code == 200
            stored = "housing_price_prediction_log_stored_rows_total 1"
            wait_until(lambda: stored in http.get("/metrics").text, "the price was not stored")
        ended_before = resource.getrusage(resource.RUSAGE_CHILDREN)
        used_before = sum(map(cpu_seconds_of, process_tree(process.pid)))
        assert process.stop() == 0
        ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = ended.ru_utime + ended.ru_stime - ended_before.ru_utime - ended_before.ru_stime
    assert used - used_before < MAX_STOP_CPU_SECONDS


def cpu_seconds_of(pid: int) -> float:
    """Return the CPU time of a process and of its children that have ended."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


class Load:
    """Requests one after the other from some threads, until they are stopped; each on a connection that may be kept."""

    def __init__(self, url: str, *, threads: int, is_kept: bool) -> None:
        self._url, self._is_kept = url, is_kept
        self._stopped = threading.Event()
        self.statuses: list[int] = []
        self.failures: list[str] = []
        self.refused = 0
        self._answered = [0] * threads
        self._threads = [threading.Thread(target=self._ask, args=(place,)) for place in range(threads)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join(BOUNDED_SECONDS)

    def wait_for(self, answers: int) -> None:
        """Wait until this number of further requests has been answered."""
        wanted = len(self.statuses) + answers
        wait_until(lambda: len(self.statuses) >= wanted, "no more answers come", BOUNDED_SECONDS)

    def wait_for_each(self, answers: int) -> None:
        """Wait until each thread has got this number of further answers."""
        wanted = [answered + answers for answered in self._answered]
        wait_until(lambda: all(map(operator.ge, self._answered, wanted)), "not each got more answers", BOUNDED_SECONDS)

    def _ask(self, place: int) -> None:
        limits = httpx.Limits(max_keepalive_connections=1 if self._is_kept else 0)
        with httpx.Client(base_url=self._url, limits=limits, timeout=BOUNDED_SECONDS, trust_env=False) as http:
            while not self._stopped.is_set():
                try:
                    self.statuses.append(http.post(PREDICT, content=house_bytes()).status_code)
                    self._answered[place] += 1
                except httpx.ConnectError:
                    # Not accepted, so nothing is lost.
                    self.refused += 1
                    self._stopped.wait(0.01)
                except httpx.HTTPError as error:
                    self.failures.append(f"{type(error).__name__}: {error}")


@pytest.mark.parametrize("is_kept", [True, False])
def test_no_accepted_request_is_lost_under_load(stub: StubModelServer, is_kept: bool) -> None:
    with serving(stub.url, ORCHESTRATOR_SERVER__STOP_NOTICE_SECONDS="60") as process:
        url = process.says(LISTENS)[1]
        with Load(url, threads=8, is_kept=is_kept) as load:
            load.wait_for(50)
            process.send(signal.SIGTERM)
            wait_until(lambda: httpx.get(f"{url}/readyz", trust_env=False).status_code == 503, "it goes on")
            # Of two answers, the second's request was read after that: each connection was told that it is the last.
            load.wait_for_each(2)
            # Ends the notice.
            assert process.stop() == 0
    assert load.failures == []
    assert set(load.statuses) == {200}
    assert load.refused > 0


NGINX = """
  upstream orchestrators {{
    server 127.0.0.1:{first} max_fails=0;
    server 127.0.0.1:{second} max_fails=0;
    {keepalive}
  }}
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://orchestrators;
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      {headers}
    }}
  }}
"""

# A restart is no failure (`max_fails=0`): else nginx would give up both, one still for having been restarted.
# A kept connection is given up by nginx before the orchestrator gives it up.
KEPT = {
    "keepalive": "keepalive 16; keepalive_timeout 5s;",
    "headers": 'proxy_http_version 1.1; proxy_set_header Connection "";',
}


@contextlib.contextmanager
def proxied(folder: Path, first: int, second: int, *, is_kept: bool) -> Iterator[str]:
    options = KEPT if is_kept else dict.fromkeys(KEPT, "")
    with reserved_port() as port:
        servers = NGINX.format(first=first, second=second, port=port, **options)
        with running_nginx(folder, servers):
            yield f"http://127.0.0.1:{port}"


@pytest.mark.stack
@needs_nginx
@pytest.mark.parametrize("is_kept", [True, False])
def test_two_behind_a_proxy_are_restarted_without_a_failed_request(
    stub: StubModelServer, tmp_path: Path, is_kept: bool
) -> None:
    soon = {"ORCHESTRATOR_SERVER__STOP_NOTICE_SECONDS": "0.3"}
    with contextlib.ExitStack() as stack:
        ports = [stack.enter_context(reserved_port()), stack.enter_context(reserved_port())]
        running = [stack.enter_context(serving(stub.url, port=port, **soon)) for port in ports]
        for process in running:
            process.says(LISTENS)
        url = stack.enter_context(proxied(tmp_path, *ports, is_kept=is_kept))
        with Load(url, threads=6, is_kept=True) as load:
            for process, port in zip(running, ports, strict=True):
                load.wait_for(50)
                assert process.stop() == 0
                load.wait_for(50)
                stack.enter_context(serving(stub.url, port=port, **soon)).says(LISTENS)
            load.wait_for(50)
    assert load.failures == []
    assert load.refused == 0
    assert set(load.statuses) == {200}
