"""The testbed of a scenario: starts real servers on free ports and stops them when the scenario ends."""

import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, Final, Literal

from benchmarks import houses, model, reference_prices
from benchmarks.clients.wire import OK
from benchmarks.faults import stub_calls
from benchmarks.faults.load import Load
from benchmarks.faults.promises import Findings
from benchmarks.paths import REPOSITORY
from benchmarks.processes import NotReady, Server, free_port

DEADLINE_SECONDS: Final = 2.0
"""Default deadline of a request in the orchestrator."""

MAX_ANSWER_MS: Final = (DEADLINE_SECONDS + 0.1) * 1000
RECOVERY_TIMEOUT_SECONDS: Final = 10.0
WORKER_START_SECONDS: Final = 60.0
_REQUEST_TIMEOUT_SECONDS: Final = 15.0


@dataclass(frozen=True)
class Answer:
    """The answer to one request."""

    status: int
    """The HTTP status."""
    text: str
    """Reason, headers and body as text."""


def send(
    port: int, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
) -> Answer:
    """Send one request over a new connection."""
    connection = HTTPConnection("127.0.0.1", port, timeout=_REQUEST_TIMEOUT_SECONDS)
    try:
        connection.request(method, path, body, {"Content-Type": "application/json"} | dict(headers or {}))
        response = connection.getresponse()
        content = response.read().decode(errors="replace")
        return Answer(response.status, f"{response.reason}\n{response.headers}\n{content}")
    finally:
        connection.close()


class Stub:
    """Controls a misbehaving model server (`benchmarks.faults.stub`)."""

    def __init__(self, server: Server) -> None:
        self.server = server

    @property
    def port(self) -> int:
        """The port on which it listens."""
        return self.server.port

    def set_behaviour(self, kind: str, **options: Any) -> None:
        """Set how the stub answers from now on; `stub` documents the kinds and options."""
        send(self.port, "PUT", "/behaviour", json.dumps({"kind": kind, **options}).encode())

    def calls(self) -> list[dict[str, Any]]:
        """Return the calls that the stub received, as JSON; see `stub_calls.Call`."""
        answer = send(self.port, "GET", "/calls")
        calls: list[dict[str, Any]] = json.loads(answer.text.rpartition("\n")[2])
        return calls


class Testbed:
    """Starts and stops the processes of a scenario and collects its findings."""

    def __init__(
        self, name: str, stack: ExitStack, export: Callable[[], Path], *, is_quick: bool, minutes: float
    ) -> None:
        """Prepare a scenario; `export` returns the folder of the served model.

        The processes of the scenario stop when `stack` closes.
        """
        self._name = name
        self._stack = stack
        self._find_export = export
        self._started = 0
        self.orchestrators: list[Server] = []
        self.findings = Findings()
        self.is_quick = is_quick
        self.minutes = minutes

    def enter_context[T](self, context: AbstractContextManager[T]) -> T:
        """Enter a context that closes at the end of the scenario, after the processes that are started later."""
        return self._stack.enter_context(context)

    def duration(self, seconds: float, quick_seconds: float) -> float:
        """Return `quick_seconds` in a quick run, else `seconds`."""
        return quick_seconds if self.is_quick else seconds

    @property
    def short_timeouts(self) -> dict[str, str]:
        """Settings that shorten client timeouts to 1 s in a quick run; empty otherwise."""
        timeouts = ("REQUESTS__MAX_BODY", "REQUESTS__STREAM_IDLE", "SERVER__CLIENT_TIMEOUT", "SERVER__KEEP_ALIVE")
        return {f"ORCHESTRATOR_{name}_SECONDS": "1" for name in timeouts} if self.is_quick else {}

    @property
    def export(self) -> Path:
        """Folder of the served model."""
        return self._find_export()

    @property
    def other_export(self) -> Path:
        """Folder of another model."""
        return model.exported_variant()

    @property
    def expected(self) -> dict[str, Path]:
        """Reference prices of the server that `start_any_model_server` starts, by model id."""
        if self.is_quick:
            return self.expected_from_stub
        return {model.model_id(self.export): reference_prices.of_model(self.export)}

    @property
    def expected_from_stub(self) -> dict[str, Path]:
        """Reference prices of the stub, by model id."""
        return {stub_calls.MODEL_ID: reference_prices.of_rows(stub_calls.MODEL_ID, stub_calls.price_of)}

    def stub_prices(self) -> list[float]:
        """Return the stub's price of each house, in the order of a load's requests."""
        (path,) = self.expected_from_stub.values()
        return [price for price, _, _ in json.loads(path.read_bytes())["prices"]]

    def wait_until_priced(self, server: Server) -> None:
        """Wait until an orchestrator returns prices.

        Raises:
            NotReady: It returned no price within RECOVERY_TIMEOUT_SECONDS.
        """
        deadline = time.monotonic() + RECOVERY_TIMEOUT_SECONDS
        while send(server.port, "POST", houses.PREDICT_PATH, one_house()).status != OK:
            if time.monotonic() > deadline:
                raise NotReady(f"no price within {RECOVERY_TIMEOUT_SECONDS} s after the model server recovered")
            time.sleep(0.1)

    def start_server(
        self, kind: str, command: Sequence[str], port: int, ready: str, variables: Mapping[str, str] | None = None
    ) -> Server:
        """Start a process without waiting until it is ready."""
        self._started += 1
        name = f"faults-{self._name}-{kind}-{self._started}".replace(" ", "-")
        server = Server(name, command, port, ready=ready, variables=variables or {}, cwd=REPOSITORY)
        return self._stack.enter_context(server)

    def start_model_server(self, port: int | None = None, export: Path | None = None) -> Server:
        """Start the real model server."""
        port = port or free_port()
        listen = ("--host", "127.0.0.1", "--port", str(port))
        command = (sys.executable, "-m", "housing_price_model", "serve", str(export or self.export), *listen)
        return self.start_server("model", command, port, "/ping")

    def start_any_model_server(self, port: int | None = None) -> Server:
        """Start the real model server; in a quick run the stub, which needs no training and starts at once."""
        return self.start_stub(port).server if self.is_quick else self.start_model_server(port)

    def start_any_comparables_server(self, port: int | None = None) -> Server:
        """Start the real comparables server; in a quick run the stub."""
        if self.is_quick:
            return self.start_stub(port, "comparables").server
        return self.start_model_server(port, model.comparables_of(self.export))

    def start_stub(self, port: int | None = None, kind: Literal["price", "comparables"] = "price") -> Stub:
        """Start a stub of a price or comparables server; it answers correctly until `set_behaviour` is called."""
        port = port or free_port()
        command = (sys.executable, "-m", "benchmarks.faults.stub", str(port), kind)
        server = self.start_server("stub", command, port, "/ping")
        server.wait_until_ready(0.02)
        return Stub(server)

    def start_orchestrator(
        self, *model_server_ports: int, port: int | None = None, variables: Mapping[str, str] | None = None
    ) -> Server:
        """Start the orchestrator with its default settings over model servers; wait until it is ready."""
        port = port or free_port()
        base_url = ",".join(f"http://127.0.0.1:{each}" for each in model_server_ports)
        variables = {
            "ORCHESTRATOR_SERVER__PORT": str(port),
            "ORCHESTRATOR_MODEL_SERVER__BASE_URL": base_url,
            **(variables or {}),
        }
        command = (sys.executable, "-m", "housing_price_orchestrator", "serve")
        server = self.start_server("orchestrator", command, port, "/readyz", variables)
        self.orchestrators.append(server)
        server.wait_until_ready()
        return server

    def start_worker(self, model_server_port: int, variables: Mapping[str, str]) -> Server:
        """Start a scoring worker, and wait until it takes jobs.

        Raises:
            NotReady: it is not ready in time.
        """
        variables = {"ORCHESTRATOR_MODEL_SERVER__BASE_URL": f"http://127.0.0.1:{model_server_port}", **variables}
        command = (sys.executable, "-m", "housing_price_orchestrator", "worker", "--name", "worker-1")
        worker = self.start_server("worker", command, 0, "/", variables)
        deadline = time.monotonic() + WORKER_START_SECONDS
        while b"worker ready" not in worker.log.read_bytes():
            if time.monotonic() > deadline:
                raise NotReady(f"the worker is not ready:\n{worker.log_tail()}")
            time.sleep(0.05)
        return worker

    def start_orchestrator_and_model_server(self, variables: Mapping[str, str] | None = None) -> tuple[Server, Server]:
        """Start a model server and an orchestrator that calls it; returns both."""
        model_server = self.start_any_model_server()
        model_server.wait_until_ready()
        return model_server, self.start_orchestrator(model_server.port, variables=variables)

    def start_load(self, server: Server, expected: Mapping[str, Path], **options: Any) -> Load:
        """Start load on a server; see `Load` for the options."""
        name = options.pop("name", "load")
        return Load(server.port, expected, name=f"{self._name}-{name}".replace(" ", "-"), **options)

    def warm_up(self, server: Server, expected: Mapping[str, Path]) -> None:
        """Send some unmeasured requests to warm up an orchestrator and its model server."""
        with self.start_load(server, expected, rate=100, seconds=self.duration(2, 0.3), name="warm-up") as load:
            load.finish()


def one_house() -> bytes:
    """Return a request body with one real house."""
    return houses.PUBLIC.body([0])


def batch_of_houses(count: int) -> bytes:
    """Return a request body with a batch of real houses."""
    return houses.PUBLIC.body(list(range(count)))
