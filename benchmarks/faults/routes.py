"""The routes file changes under load: another champion, a canary, and misbehaving canaries."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, Final

from benchmarks import houses, model, reference_prices
from benchmarks.clients.verdicts import MIXED, WRONG
from benchmarks.clients.wire import OK
from benchmarks.faults import stub_calls
from benchmarks.faults.load import Load
from benchmarks.faults.testbed import Stub, Testbed, send
from benchmarks.faults.timeline import Timeline
from benchmarks.processes import NotReady, Server
from housing_price_platform.files import write_atomically

RATE: Final = 100.0
WEIGHT: Final = 0.1
MAX_SHARE_ERROR: Final = 0.01
IDS: Final = 10_000
MAX_STOP_SECONDS: Final = 10.0
"""Maximum time until a bad canary is stopped, at this rate and weight."""

MAX_LOAD_SECONDS: Final = 180.0
SECOND_MODEL_ID: Final = "misbehaving-2"
"""Model id of the second stub."""

CANARY_FAULTS: Final[Mapping[str, Mapping[str, Any]]] = {
    "fails": {"kind": "failing", "share": 1.0, "status": 500},
    "refuses all rows": {"kind": "failing", "share": 1.0, "status": 400},
    "hangs": {"kind": "good", "seconds": 3600.0},
    "is slow": {"kind": "good", "seconds": 0.2},
    "returns other prices": {"kind": "good", "factor": 1.5},
}


@dataclass(frozen=True)
class _Version:
    number: str
    model_id: str
    port: int
    prices: Path

    def route(self, **more: Any) -> dict[str, Any]:
        return {
            "version": self.number,
            "modelId": self.model_id,
            "addresses": [f"http://127.0.0.1:{self.port}"],
            **more,
        }


class _RoutesFile:
    """Writes the routes file of an orchestrator and waits until the orchestrator applies it."""

    def __init__(self, testbed: Testbed, champion: _Version) -> None:
        self._path = Path(mkdtemp(prefix="housing-price-routes-")) / "routes.json"
        self._revision = 0
        self.put(champion)
        variables = {"ORCHESTRATOR_MODEL_SERVER__ROUTES_FILE": str(self._path)}
        self.orchestrator = testbed.start_orchestrator(champion.port, variables=variables)

    def put(self, champion: _Version, canary: _Version | None = None, weight: float = WEIGHT) -> None:
        """Write routes to a champion and, optionally, a canary."""
        self._revision += 1
        document = {
            "revision": self._revision,
            "champion": champion.route(),
            "canary": None if canary is None else canary.route(weight=weight),
        }
        write_atomically(self._path, json.dumps(document).encode(), is_durable=False)

    def state(self) -> dict[str, Any]:
        """Return the answer of `GET /api/v1/models`."""
        state: dict[str, Any] = json.loads(
            send(self.orchestrator.port, "GET", "/api/v1/models").text.rpartition("\n")[2]
        )
        return state

    def wait_until(self, is_met: Callable[[dict[str, Any]], bool], seconds: float = 20.0) -> float:
        """Wait until a condition on the orchestrator's state holds; returns the seconds that it took.

        Raises:
            NotReady: The condition does not hold within `seconds`.
        """
        began = time.monotonic()
        while not is_met(state := self.state()):
            if time.monotonic() - began > seconds:
                raise NotReady(f"the state of the orchestrator is still {state}")
            time.sleep(0.05)
        return time.monotonic() - began

    def wait_until_applied(self, *, has_canary: bool = False) -> None:
        """Wait until the orchestrator has applied the file."""
        self.wait_until(
            lambda state: state["revision"] == self._revision and (not has_canary or state["canary"]["weight"] > 0)
        )


def routes(testbed: Testbed) -> None:
    """The routes change to a canary with 10 %, to another champion and back, at 100/s with batches."""
    first, second = _two_versions(testbed)
    expected = {version.model_id: version.prices for version in (first, second)}
    routes_file = _RoutesFile(testbed, first)
    orchestrator = routes_file.orchestrator
    testbed.warm_up(orchestrator, expected)
    pause = testbed.duration(3, 0.5)
    with (
        testbed.start_load(orchestrator, expected, rate=RATE, seconds=MAX_LOAD_SECONDS, name="singles") as load,
        testbed.start_load(
            orchestrator, expected, rate=4, seconds=MAX_LOAD_SECONDS, rows=200, name="batches"
        ) as batches,
    ):
        time.sleep(pause)
        routes_file.put(first, canary=second)
        routes_file.wait_until_applied(has_canary=True)
        shares = [_canary_ids(orchestrator, second) for _ in range(2)]
        time.sleep(pause)
        for champion in (second, first, second):
            routes_file.put(champion)
            routes_file.wait_until_applied()
            time.sleep(pause)
        singles, batched = load.stop(), batches.stop()
    findings = testbed.findings
    findings.figures |= {"singles": singles.summary, "batches": batched.summary}
    share = len(shares[0]) / IDS
    findings.expect(
        f"share of {IDS:,} ids priced by the canary",
        "10 +- 1 %",
        f"{share:.2%}",
        abs(share - WEIGHT) <= MAX_SHARE_ERROR,
    )
    findings.expect_none("ids priced by another model the second time", shares[0] ^ shares[1])
    for version in (first, second):
        priced = sum(request.model == version.model_id for request in singles)
        findings.expect(f"prices by version {version.number}", "> 0", priced, priced > 0)
    findings.expect_none("requests without a price", [*singles.failed, *batched.failed])
    findings.expect_none(
        "prices that differ from those of their model",
        [request for request in singles if request.verdict in (WRONG, MIXED)],
    )
    findings.expect_none(
        "batches with prices that differ from those of their model",
        [request for request in batched if request.verdict == WRONG],
    )
    findings.expect_at_most("p99 of singles", singles.p99_ms, 250, "ms")


def bad_canary(testbed: Testbed) -> None:
    """A canary with 10 % of 100/s fails, refuses all rows, hangs, is slow, or returns other prices."""
    champion, stubs = testbed.start_stub(), testbed.start_stub()
    first = _of_stub("1", champion, stub_calls.MODEL_ID)
    second = _of_stub("2", stubs, SECOND_MODEL_ID)
    expected = {version.model_id: version.prices for version in (first, second)}
    routes_file = _RoutesFile(testbed, first)
    testbed.warm_up(routes_file.orchestrator, expected)
    everything: list[Any] = []
    for fault, behaviour in CANARY_FAULTS.items():
        stubs.set_behaviour("good", model=SECOND_MODEL_ID)
        routes_file.put(first, canary=second)
        routes_file.wait_until_applied(has_canary=True)
        with testbed.start_load(routes_file.orchestrator, expected, rate=RATE, seconds=MAX_LOAD_SECONDS) as load:
            seconds, answered = _run_until_stopped(testbed, routes_file, stubs, load, behaviour)
        everything += answered
        testbed.findings.expect_at_most(f"time until a canary that {fault} is stopped", seconds, MAX_STOP_SECONDS, "s")
        late = [
            request for request in answered.due_between(load.started + seconds + 3) if request.model == second.model_id
        ]
        testbed.findings.expect_none(f"canary prices afterwards ({fault})", late)
    testbed.findings.expect_none(
        "requests without a price", [request for request in everything if request.status != OK]
    )
    wrong = [
        request for request in everything if request.verdict in (WRONG, MIXED) and request.model != second.model_id
    ]
    testbed.findings.expect_none("prices that differ from those of the champion", wrong)


def _run_until_stopped(
    testbed: Testbed, routes_file: _RoutesFile, stub: Stub, load: Load, behaviour: Mapping[str, Any]
) -> tuple[float, Timeline]:
    """Let a canary misbehave until it is stopped; returns the seconds that it took and all request records."""
    time.sleep(testbed.duration(2, 0.2))
    stub.set_behaviour(**{"model": SECOND_MODEL_ID, **behaviour})
    seconds = routes_file.wait_until(lambda state: state["stopped"] is not None, seconds=60)
    time.sleep(testbed.duration(5, 0.5))
    return seconds, load.stop()


def _two_versions(testbed: Testbed) -> tuple[_Version, _Version]:
    if testbed.is_quick:
        first, second = testbed.start_stub(), testbed.start_stub()
        return _of_stub("1", first, stub_calls.MODEL_ID), _of_stub("2", second, SECOND_MODEL_ID)
    return _of_model(testbed, "1", testbed.export), _of_model(testbed, "2", testbed.other_export)


def _of_model(testbed: Testbed, number: str, export: Path) -> _Version:
    server = testbed.start_model_server(export=export)
    server.wait_until_ready()
    return _Version(number, model.model_id(export), server.port, reference_prices.of_model(export))


def _of_stub(number: str, stub: Stub, model_id: str) -> _Version:
    stub.set_behaviour("good", model=model_id)
    return _Version(number, model_id, stub.port, reference_prices.of_rows(model_id, stub_calls.price_of))


def _canary_ids(orchestrator: Server, canary: _Version) -> set[int]:
    """Price the same house under 10,000 ids; returns the ids priced by the canary."""
    house = json.loads(houses.PUBLIC.body([0]))
    answered: set[int] = set()
    for start in range(1, IDS + 1, 1_000):
        body = json.dumps({"data": [house | {"id": house_id} for house_id in range(start, start + 1_000)]}).encode()
        answer = send(orchestrator.port, "POST", houses.PUBLIC.path(1_000), body)
        predictions = json.loads(answer.text.rpartition("\n")[2])["predictions"]
        answered |= {priced["id"] for priced in predictions if priced["model"]["id"] == canary.model_id}
    return answered
