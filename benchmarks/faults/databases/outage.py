"""One outage of the databases beside a load of prices, and the promises that hold during and after it."""

import json
import signal
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Final

from benchmarks.faults.databases.database_calls import (
    JOBS,
    Answered,
    Operation,
    RepeatedCalls,
    call,
    operations,
    rows_of_houses,
)
from benchmarks.faults.monitors import Gauge, read_metric
from benchmarks.faults.testbed import Testbed, send
from benchmarks.faults.timeline import UNAVAILABLE
from benchmarks.processes import NotReady, Server

RATE: Final = 50.0
MAX_LOAD_SECONDS: Final = 180.0
MAX_OVERRUN_SECONDS: Final = 0.5
MAX_PRICE_MS: Final = 250.0
MAX_AWAY_SECONDS: Final = 8.0
MAX_BACK_SECONDS: Final = 10.0
MAX_EXIT_SECONDS: Final = 15.0
"""Notice, requests in progress, and the rest of the queue of the prediction log."""

WAIT_SECONDS: Final = 60.0
"""Time for what has no promised time to happen at all."""

QUICK_DEADLINES: Final = {"jobs": 2.0, "log": 2.0}
DEADLINES: Final = {"jobs": 5.0, "log": 10.0}
"""Deadline of a call to each store, as shipped."""

ACCEPTED: Final = 202

AWAY: Final = "housing_price_prediction_log_away"
LOG_UNAVAILABLE: Final = "prediction log: database unavailable"
LOG_AVAILABLE: Final = "prediction log: database available again"


@dataclass(frozen=True)
class Outage:
    """An outage and what it must not change."""

    variables: Mapping[str, str]
    """Settings of the orchestrator with the databases."""
    fault: Callable[[], AbstractContextManager[None]]
    """The fault, while its context is open."""
    is_refused: Callable[[Operation], bool]
    """Whether the outage makes this operation fail."""
    refusal: int = UNAVAILABLE
    """The status of a refused operation."""
    unjudged: Collection[str] = ()
    """Names of operations that may succeed or fail during the outage."""
    log_is_away: bool = True
    """Whether the outage affects the prediction log."""


def run_outage(testbed: Testbed, outage: Outage) -> None:
    """Run an outage, and a second one in which the orchestrator is stopped."""
    deadlines = QUICK_DEADLINES if testbed.is_quick else DEADLINES
    variables = {
        "ORCHESTRATOR_JOBS__WAIT_SECONDS": str(deadlines["jobs"]),
        "ORCHESTRATOR_PREDICTION_LOG__READ_SECONDS": str(deadlines["log"]),
        **outage.variables,
    }
    model_server, orchestrator = testbed.start_orchestrator_and_model_server(variables)
    testbed.warm_up(orchestrator, testbed.expected)
    job = _submit(orchestrator)
    testbed.start_worker(model_server.port, variables)
    all_operations = operations(job)
    _wait_until_all_work(orchestrator, all_operations)
    with (
        testbed.start_load(orchestrator, testbed.expected, rate=RATE, seconds=MAX_LOAD_SECONDS) as load,
        Gauge(orchestrator.port, AWAY) as away,
        RepeatedCalls(orchestrator.port, all_operations) as calls,
    ):
        time.sleep(testbed.duration(3, 0.5))
        job = _submit(orchestrator)
        with outage.fault():
            begun = time.monotonic()
            away_seconds = away.wait_for(1, begun, WAIT_SECONDS) if outage.log_is_away else None
            time.sleep(testbed.duration(20, 3 * max(deadlines.values())))
            ended = time.monotonic()
        back_seconds = away.wait_for(0, ended, WAIT_SECONDS)
        _wait_until_all_work(orchestrator, all_operations)
        time.sleep(testbed.duration(5, 1))
        records = load.stop()
    findings = testbed.findings
    during = calls.between(begun, ended)
    findings.figures |= records.summary | {"calls_during_the_fault": _count(during)}
    findings.expect_none("requests without a price", records.failed)
    findings.expect_none("wrong prices", records.wrong)
    findings.expect_at_most("p99 of the prices", records.p99_ms, MAX_PRICE_MS, "ms")
    _expect_answers(testbed, outage, during, deadlines)
    findings.expect_at_most(
        "time until every call works again", calls.seconds_until_all_work(ended), MAX_BACK_SECONDS, "s"
    )
    if outage.log_is_away:
        findings.expect("the prediction log is reported as away", "yes", away_seconds, away_seconds is not None)
        findings.expect_at_most("time until it is reported", away_seconds, MAX_AWAY_SECONDS, "s")
        findings.expect("the prediction log is reported as back", "yes", back_seconds, back_seconds is not None)
        findings.expect_at_most("time until it is back", back_seconds, MAX_BACK_SECONDS, "s")
        _expect_truthful_events(testbed, orchestrator)
    else:
        findings.expect_none("times that the prediction log was away", [each for each in away.values if each[1]])
    _expect_all_prices_logged(testbed, orchestrator)
    state = _final_state(orchestrator, job)
    findings.expect("the job of the worker succeeds", "succeeded", state, state == "succeeded")
    with outage.fault(), RepeatedCalls(orchestrator.port, all_operations):
        time.sleep(testbed.duration(3, 1))
        orchestrator.send_signal(signal.SIGTERM)
        signalled = time.monotonic()
        status = orchestrator.wait(WAIT_SECONDS)
        exit_seconds = time.monotonic() - signalled
    findings.expect("exit status after SIGTERM during the fault", "0", status, status == 0)
    findings.expect_at_most("time from SIGTERM to the exit", exit_seconds, MAX_EXIT_SECONDS, "s")


def _expect_answers(testbed: Testbed, outage: Outage, during: list[Answered], deadlines: Mapping[str, float]) -> None:
    refused = [answer for answer in during if outage.is_refused(answer.operation)]
    others = [answer for answer in during if not outage.is_refused(answer.operation)]
    others = [answer for answer in others if answer.operation.name not in outage.unjudged]
    findings = testbed.findings
    findings.expect_none("calls without an answer", [answer for answer in during if not answer.status])
    findings.expect(
        "every affected operation is refused",
        "> 0 each",
        _count(refused),
        bool(refused),
    )
    wrong = [each for each in refused if each.status != outage.refusal]
    findings.expect_none(f"affected calls with another status than {outage.refusal}", wrong)
    findings.expect_none(
        "503 without Retry-After", [each for each in refused if each.status == UNAVAILABLE and not each.has_retry_after]
    )
    findings.expect_none("other calls that failed", [each for each in others if not each.is_served])
    overrun = max((each.seconds - deadlines[each.operation.store] for each in during), default=0.0)
    findings.expect_at_most("longest time of a call beyond its deadline", overrun, MAX_OVERRUN_SECONDS, "s")


def _expect_truthful_events(testbed: Testbed, orchestrator: Server) -> None:
    events = [json.loads(line) for line in orchestrator.log.read_bytes().splitlines() if b"prediction log: " in line]
    names = [event["event"] for event in events if event["event"] in {LOG_UNAVAILABLE, LOG_AVAILABLE}]
    # On a nearly full disk one write can succeed between two that fail; then the next recovery must last.
    testbed.findings.expect(
        "away is logged, and back only after a write",
        "away, back (at most twice)",
        names,
        names in ([LOG_UNAVAILABLE, LOG_AVAILABLE], [LOG_UNAVAILABLE, LOG_AVAILABLE] * 2),
    )
    testbed.findings.figures["events"] = names


def _expect_all_prices_logged(testbed: Testbed, orchestrator: Server) -> None:
    until = time.monotonic() + WAIT_SECONDS
    while read_metric(orchestrator.port, "housing_price_prediction_log_queued_rows") and time.monotonic() < until:
        time.sleep(0.1)
    lost = [
        read_metric(orchestrator.port, f"housing_price_prediction_log_{kind}")
        for kind in ("queued_rows", "dropped_rows_total")
    ]
    testbed.findings.expect("prices that are not in the log in the end", "0 queued, 0 dropped", lost, lost == [0, 0])


def _submit(orchestrator: Server) -> str:
    """Submit a job, as soon as the jobs database is open; returns its path."""
    headers = {"Content-Type": "application/x-ndjson"}
    until = time.monotonic() + WAIT_SECONDS
    while True:
        answer = send(orchestrator.port, "POST", f"{JOBS}/scoring", rows_of_houses(2_000), headers)
        if answer.status == ACCEPTED:
            document = json.loads(answer.text.rpartition("\n")[2])
            return f"{JOBS}/{document['id']}"
        if time.monotonic() > until:
            raise NotReady(f"no job was accepted: {answer.text}")
        time.sleep(0.1)


def _wait_until_all_work(orchestrator: Server, all_operations: Sequence[Operation]) -> None:
    until = time.monotonic() + WAIT_SECONDS
    for operation in all_operations:
        while not call(orchestrator.port, operation).is_served:
            if time.monotonic() > until:
                raise NotReady(f"{operation.name} does not work again")
            time.sleep(0.1)


def _final_state(orchestrator: Server, job: str) -> str:
    until = time.monotonic() + WAIT_SECONDS
    while True:
        state = str(json.loads(send(orchestrator.port, "GET", job).text.rpartition("\n")[2]).get("state"))
        if state not in {"queued", "running"} or time.monotonic() > until:
            return state
        time.sleep(0.1)


def _count(answers: list[Answered]) -> dict[str, int]:
    counted: dict[str, int] = {}
    for answer in answers:
        name = f"{answer.operation.name} {answer.status}"
        counted[name] = counted.get(name, 0) + 1
    return dict(sorted(counted.items()))
