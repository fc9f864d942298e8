"""What a scenario is given: real servers on free ports, all of which end with it."""

import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, Final

from benchmarks import houses, model, reference_prices
from benchmarks.clients.wire import OK
from benchmarks.faults import stub_calls
from benchmarks.faults.load import Load
from benchmarks.faults.promises import Findings
from benchmarks.paths import REPOSITORY
from benchmarks.processes import NotReady, Server, free_port

DEADLINE_SECONDS: Final = 2.0
"""What the orchestrator gives a request by default."""

MAX_ANSWER_MS: Final = (DEADLINE_SECONDS + 0.1) * 1000
READY_AGAIN_SECONDS: Final = 10.0
_ASK_SECONDS: Final = 15.0


@dataclass(frozen=True)
class Answer:
    """An answer to one request.

    Attributes:
        status: Its status.
        text: All of it, with its headers, as text.
    """

    status: int
    text: str


def ask(
    port: int, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
) -> Answer:
    """Ask once, over a connection of its own."""
    connection = HTTPConnection("127.0.0.1", port, timeout=_ASK_SECONDS)
    try:
        connection.request(method, path, body, {"Content-Type": "application/json"} | dict(headers or {}))
        response = connection.getresponse()
        content = response.read().decode(errors="replace")
        return Answer(response.status, f"{response.reason}\n{response.headers}\n{content}")
    finally:
        connection.close()


class Stub:
    """A model server that misbehaves on demand."""

    def __init__(self, server: Server) -> None:
        self.server = server

    @property
    def port(self) -> int:
        """Where it listens."""
        return self.server.port

    def behave(self, kind: str, **options: Any) -> None:
        """Answer so from now on; see `stub`."""
        ask(self.port, "PUT", "/behaviour", json.dumps({"kind": kind, **options}).encode())

    def calls(self) -> list[dict[str, Any]]:
        """Tell what it was asked; see `stub_calls.Call`."""
        answer = ask(self.port, "GET", "/calls")
        called: list[dict[str, Any]] = json.loads(answer.text.rpartition("\n")[2])
        return called


class Testbed:
    """Starts what a scenario needs."""

    def __init__(
        self, name: str, stack: ExitStack, export: Callable[[], Path], *, is_quick: bool, minutes: float
    ) -> None:
        """Everything that is started ends with `stack`."""
        self._name = name
        self._stack = stack
        self._exported = export
        self._started = 0
        self.orchestrators: list[Server] = []
        self.findings = Findings()
        self.is_quick = is_quick
        self.minutes = minutes

    def duration(self, seconds: float, quick_seconds: float) -> float:
        """Choose how long something takes."""
        return quick_seconds if self.is_quick else seconds

    @property
    def short_timeouts(self) -> dict[str, str]:
        """Settings for a quick run that shorten what a client may be waited for; else there are none."""
        limits = ("REQUESTS__MAX_BODY", "REQUESTS__STREAM_IDLE", "SERVER__CLIENT_TIMEOUT", "SERVER__KEEP_ALIVE")
        return {f"ORCHESTRATOR_{name}_SECONDS": "1" for name in limits} if self.is_quick else {}

    @property
    def export(self) -> Path:
        """The model that is served."""
        return self._exported()

    @property
    def other_export(self) -> Path:
        """Another model."""
        return model.exported_variant()

    @property
    def expected(self) -> dict[str, Path]:
        """The right prices of whatever `start_any_model_server` starts, by the id of the model."""
        if self.is_quick:
            return self.expected_from_stub
        return {model.model_id(self.export): reference_prices.of_model(self.export)}

    @property
    def expected_from_stub(self) -> dict[str, Path]:
        """The right prices of the stub."""
        return {stub_calls.MODEL_ID: reference_prices.of_rows(stub_calls.MODEL_ID, stub_calls.price_of)}

    def stub_prices(self) -> list[float]:
        """The stub's price of each house, in the order in which a load asks for them."""
        (path,) = self.expected_from_stub.values()
        return [price for price, _, _ in json.loads(path.read_bytes())["prices"]]

    def wait_until_priced(self, server: Server) -> None:
        """Return when an orchestrator gives prices (again).

        Raises:
            NotReady: it does not within READY_AGAIN_SECONDS.
        """
        deadline = time.monotonic() + READY_AGAIN_SECONDS
        while ask(server.port, "POST", houses.PREDICT_PATH, one_house()).status != OK:
            if time.monotonic() > deadline:
                raise NotReady(f"no price within {READY_AGAIN_SECONDS} s of when the model server was good again")
            time.sleep(0.1)

    def start_server(
        self, kind: str, command: Sequence[str], port: int, ready: str, variables: Mapping[str, str] | None = None
    ) -> Server:
        """Start a process; it need not be ready yet."""
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
        """Start the real model server; a quick run takes the stub, which needs no training and starts at once."""
        return self.start_stub(port).server if self.is_quick else self.start_model_server(port)

    def start_stub(self, port: int | None = None) -> Stub:
        """Start a model server that misbehaves on demand, and is good until then."""
        port = port or free_port()
        server = self.start_server("stub", (sys.executable, "-m", "benchmarks.faults.stub", str(port)), port, "/ping")
        server.wait_until_ready(0.02)
        return Stub(server)

    def start_orchestrator(self, *behind: int, port: int | None = None, **variables: str) -> Server:
        """Start the orchestrator as it is shipped, in front of model servers; returns when it is ready."""
        port = port or free_port()
        base_url = ",".join(f"http://127.0.0.1:{one}" for one in behind)
        variables = {
            "ORCHESTRATOR_SERVER__PORT": str(port),
            "ORCHESTRATOR_MODEL_SERVER__BASE_URL": base_url,
        } | variables
        command = (sys.executable, "-m", "housing_price_orchestrator", "serve")
        server = self.start_server("orchestrator", command, port, "/readyz", variables)
        self.orchestrators.append(server)
        server.wait_until_ready()
        return server

    def start_orchestrator_and_model_server(self, **variables: str) -> tuple[Server, Server]:
        """Start a model server with an orchestrator in front of it."""
        model_server = self.start_any_model_server()
        model_server.wait_until_ready()
        return model_server, self.start_orchestrator(model_server.port, **variables)

    def start_load(self, server: Server, expected: Mapping[str, Path], **options: Any) -> Load:
        """Make load on an orchestrator; see `Load`."""
        name = options.pop("name", "load")
        return Load(server.port, expected, name=f"{self._name}-{name}".replace(" ", "-"), **options)

    def warm_up(self, server: Server, expected: Mapping[str, Path]) -> None:
        """Let an orchestrator and what is behind it come into their stride; this is not measured."""
        with self.start_load(server, expected, rate=100, seconds=self.duration(2, 0.3), name="warm-up") as load:
            load.finish()


def one_house() -> bytes:
    """The body of a request for one real house."""
    return houses.PUBLIC.body([0])


def batch_of_houses(count: int) -> bytes:
    """The body of a batch of real houses."""
    return houses.PUBLIC.body(list(range(count)))
