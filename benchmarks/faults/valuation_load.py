"""Valuations at a fixed rate during a fault: the servers, reference valuations, and the counted price calls."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks import houses
from benchmarks.clients.wire import OK
from benchmarks.faults.load import Load
from benchmarks.faults.monitors import Probes, read_metric
from benchmarks.faults.testbed import MAX_ANSWER_MS, RECOVERY_TIMEOUT_SECONDS, Stub, Testbed, send
from benchmarks.faults.timeline import Timeline
from benchmarks.paths import STATE
from benchmarks.processes import NotReady, Server
from housing_price_orchestrator.shared.ports import DEFAULT_COMPARABLES

RATE: Final = 100.0
QUICK_RATE: Final = 25.0
"""Rate of a quick run, which shares the machine with other tests."""
MAX_LOAD_SECONDS: Final = 120.0
BATCH_HOUSES: Final = 50
BATCH_ATTEMPTS: Final = 20
BATCH_PAUSE_SECONDS: Final = 0.25
MAX_RECOVERY_MS: Final = 1000.0
MAX_REFUSED_MS: Final = 50.0
"""Longest p99 of valuations while the circuit of the comparables server is open."""

_COUNTED: Final = {
    "rows": 'housing_price_model_call_rows_sum{model="price"}',
    "calls": 'housing_price_model_call_rows_count{model="price"}',
    "retries": 'housing_price_model_call_retries_total{model="price"}',
}
"""The work of the price model, by its metric of the orchestrator."""


@dataclass(frozen=True)
class Count:
    """The work that the price model has done up to a moment."""

    at: float
    work: Mapping[str, float]

    def per_request(self, later: "Count", requests: int) -> dict[str, float]:
        """Return the work per request between this moment and a later one."""
        return {name: (later.work[name] - self.work[name]) / max(1, requests) for name in _COUNTED}


class ValuationService:
    """An orchestrator over a price server and a comparables server."""

    def __init__(
        self, testbed: Testbed, price_server: Server, comparables_server: Server, expected: Mapping[str, Path]
    ) -> None:
        """Start the orchestrator over two servers that are ready; `expected` has the prices of the price server."""
        self.testbed = testbed
        self.expected = expected
        self.price_server = price_server
        self.comparables_server = comparables_server
        comparables_url = f"http://127.0.0.1:{comparables_server.port}"
        self.orchestrator = testbed.start_orchestrator(
            price_server.port, variables={"ORCHESTRATOR_COMPARABLES__BASE_URL": comparables_url}
        )

    def value(self, house: int = 0) -> tuple[int, dict[str, Any], str]:
        """Value one house; returns the status, the document and the whole answer as text."""
        answer = send(
            self.orchestrator.port,
            "POST",
            houses.VALUATION_WITHOUT_EXPLANATION.single_path,
            houses.VALUATION_WITHOUT_EXPLANATION.body([house]),
        )
        return answer.status, json.loads(answer.text.rpartition("\n")[2]), answer.text

    def wait_until_complete(self) -> None:
        """Wait until a valuation has comparable sales.

        Raises:
            NotReady: none had within RECOVERY_TIMEOUT_SECONDS.
        """
        deadline = time.monotonic() + RECOVERY_TIMEOUT_SECONDS
        while True:
            status, document, _ = self.value()
            if status == OK and document["comparables"] is not None:
                return
            if time.monotonic() > deadline:
                raise NotReady(f"no comparable sales within {RECOVERY_TIMEOUT_SECONDS} s: {status} {document}")
            time.sleep(0.05)

    def reference(self) -> Path:
        """Value all houses in batches, without a fault; returns a file for `ValuationJudge`.

        Their prices are checked against the offline predictions of the price model.
        """
        self.wait_until_complete()
        count = len(houses.ids())
        valuations = [
            valuation
            for start in range(0, count, BATCH_HOUSES)
            for valuation in self._complete_batch(range(start, min(count, start + BATCH_HOUSES)))
        ]
        (offline,) = self.expected.values()
        expected = [price for price, _, _ in json.loads(offline.read_bytes())["prices"]]
        prices = [valuation["price"]["predictedPrice"] for valuation in valuations]
        self.testbed.findings.expect_none(
            f"valuations without a fault that have another price than the model (of {count})",
            [pair for pair in zip(prices, expected, strict=True) if pair[0] != pair[1]],
        )
        file = STATE / "timelines" / f"valuations-{self.orchestrator.port}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps({"valuations": valuations}))
        return file

    def _complete_batch(self, asked: Sequence[int]) -> list[dict[str, Any]]:
        """Value houses in one request, again if a busy machine made the service refuse a part.

        Raises:
            NotReady: a part is missing in BATCH_ATTEMPTS answers.
        """
        request_format = houses.VALUATION_WITHOUT_EXPLANATION
        for _ in range(BATCH_ATTEMPTS):
            answer = send(self.orchestrator.port, "POST", request_format.path(len(asked)), request_format.body(asked))
            if answer.status == OK:
                valuations: list[dict[str, Any]] = json.loads(answer.text.rpartition("\n")[2])["valuations"]
                if all(valuation["comparables"] for valuation in valuations):
                    return valuations
            time.sleep(BATCH_PAUSE_SECONDS)
        raise NotReady(f"a batch of valuations lacks parts: {answer.status} {answer.text[-500:]}")

    def start_load(self, reference: Path) -> Load:
        """Start valuations without explanation at a fixed rate."""
        return self.testbed.start_load(
            self.orchestrator,
            self.expected,
            rate=QUICK_RATE if self.testbed.is_quick else RATE,
            seconds=MAX_LOAD_SECONDS,
            request_format=houses.VALUATION_WITHOUT_EXPLANATION,
            valuations=reference,
        )

    def count(self) -> Count:
        """Count the work of the price model so far."""
        work = {name: read_metric(self.orchestrator.port, metric) or 0.0 for name, metric in _COUNTED.items()}
        return Count(time.monotonic(), work)


def start_service(testbed: Testbed) -> ValuationService:
    """Start the real servers and an orchestrator; in a quick run stubs instead of the servers."""
    price, comparables = testbed.start_any_model_server(), testbed.start_any_comparables_server()
    for server in (price, comparables):
        server.wait_until_ready()
    return ValuationService(testbed, price, comparables, testbed.expected)


def start_service_of_stubs(testbed: Testbed) -> tuple[ValuationService, Stub]:
    """Start stubs and an orchestrator; returns also the stub of the comparables server."""
    price, comparables = testbed.start_stub(), testbed.start_stub(kind="comparables")
    service = ValuationService(testbed, price.server, comparables.server, testbed.expected_from_stub)
    return service, comparables


@dataclass(frozen=True)
class Observed:
    """A load during which the comparables server failed. Times are `time.monotonic()` seconds."""

    records: Timeline
    readiness: Probes
    away_at: float
    """When the fault began."""
    ready_at: float
    """When the comparables server answered again."""
    before: dict[str, float]
    """The work of the price model per valuation, before the fault."""
    meanwhile: dict[str, float]
    """The same during the fault."""
    rows: float
    """The rows that the price model priced for all valuations."""


def observe(
    service: ValuationService, take_away: Callable[[], None], bring_back: Callable[[], None], *, seconds_away: float
) -> Observed:
    """Request valuations while the comparables server fails for a time.

    Args:
        service: the service.
        take_away: begins the fault.
        bring_back: ends it, and waits until the comparables server answers.
        seconds_away: time between both.
    """
    testbed = service.testbed
    reference = service.reference()
    at_start = service.count()
    with service.start_load(reference) as load, Probes(service.orchestrator.port, "/readyz") as readiness:
        time.sleep(testbed.duration(1, 0.2))
        first = service.count()
        time.sleep(testbed.duration(3, 0.5))
        second = service.count()
        away_at = time.monotonic()
        take_away()
        time.sleep(seconds_away)
        third = service.count()
        bring_back()
        ready_at = time.monotonic()
        time.sleep(testbed.duration(5, 1.5))
        records = load.stop()
    return Observed(
        records=records,
        readiness=readiness,
        away_at=away_at,
        ready_at=ready_at,
        before=first.per_request(second, len(records.due_between(first.at, second.at))),
        meanwhile=second.per_request(third, len(records.due_between(second.at, third.at))),
        rows=service.count().work["rows"] - at_start.work["rows"],
    )


def judge(service: ValuationService, seen: Observed, *, settling_seconds: float) -> None:
    """Record what is promised for every failure of the comparables server.

    Args:
        service: the service.
        seen: what happened.
        settling_seconds: time from the beginning of the fault until the circuit is open.
    """
    findings, records = service.testbed.findings, seen.records
    away = records.due_between(seen.away_at, seen.ready_at)
    settled = away.where(lambda request: request.due >= seen.away_at + settling_seconds).price_alone
    findings.figures |= records.summary | {
        "while_away": {"complete": len(away.complete), "price alone": len(away.price_alone)},
        "price_work_per_valuation": {"before": seen.before, "while away": seen.meanwhile},
    }
    findings.expect_none("answers other than 200", records.other_than(OK))
    findings.expect_none("wrong or mixed valuations, or without their problem", records.wrong)
    findings.expect_at_most("longest response time", records.max_ms, MAX_ANSWER_MS, "ms")
    findings.expect("valuations with the price alone", "> 0", len(away.price_alone), bool(len(away.price_alone)))
    # A busy machine can make the service refuse the optional parts.
    findings.expect_none(
        "valuations with the price alone without a fault",
        records.where(lambda request: (request.ended or 0) < seen.away_at).price_alone,
        is_figure=True,
    )
    findings.expect_at_most(
        f"p99 from {settling_seconds:g} s after the fault until its end", settled.p99_ms, MAX_REFUSED_MS, "ms"
    )
    # A valuation with the price alone prices its house, and one with comparable sales also the sold houses.
    most_rows = len(records.complete) * (1 + DEFAULT_COMPARABLES) + len(records.price_alone)
    findings.expect("rows that were priced", f"<= {most_rows}", f"{seen.rows:.0f}", seen.rows <= most_rows)
    for name in _COUNTED:
        findings.expect_at_most(
            f"price {name} per valuation during the fault", seen.meanwhile[name], seen.before[name], ""
        )
    after = records.due_between(seen.ready_at)
    first = [one.ended for one in records.complete if one.ended is not None and one.ended >= seen.ready_at]
    findings.expect_at_most(
        "first comparable sales after the comparables server is ready",
        (min(first) - seen.ready_at) * 1000 if first else None,
        MAX_RECOVERY_MS,
        "ms",
    )
    last_ms = max(((one.due - seen.ready_at) * 1000 for one in after.price_alone), default=0.0)
    findings.expect_at_most("last price alone after the comparables server is ready", last_ms, MAX_RECOVERY_MS, "ms")
    findings.expect(
        "valuations with comparable sales afterwards", "> 0", len(after.complete), bool(len(after.complete))
    )
    findings.expect_none("answers of /readyz other than 200", [one for _, one in seen.readiness.answers if one != OK])
