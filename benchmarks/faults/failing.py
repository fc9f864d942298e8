"""Half of the calls to the model server fail."""

from collections import Counter
from typing import Final

from benchmarks.faults.testbed import DEADLINE_SECONDS, MAX_ANSWER_MS, Stub, Testbed
from benchmarks.processes import Server

RATE: Final = 200.0
SECONDS: Final = 10.0
"""Duration short enough to request each house only once, so that its price identifies the request."""

SLOW_RATE: Final = 20.0
SLOW_FAILURE_SECONDS: Final = 0.7
MAX_ATTEMPTS_PER_REQUEST: Final = 1.2
SCHEDULING_SECONDS: Final = 0.1
"""Tolerance for scheduling delays between the end of a deadline and the arrival of a call."""


def failing(testbed: Testbed) -> None:
    """50 % of the calls fail: with 500, with 503, and with 503 after 0.7 s."""
    for status, after_seconds, rate in ((500, 0.0, RATE), (503, 0.0, RATE), (503, SLOW_FAILURE_SECONDS, SLOW_RATE)):
        # Each case starts a new orchestrator without warm-up: earlier successes would add to its retry budget.
        stub = testbed.start_stub()
        orchestrator = testbed.start_orchestrator(stub.port)
        _measure_failures(testbed, orchestrator, stub, status=status, after_seconds=after_seconds, rate=rate)


def _measure_failures(
    testbed: Testbed, orchestrator: Server, stub: Stub, *, status: int, after_seconds: float, rate: float
) -> None:
    failure = f"{status} after {after_seconds:g} s"
    first_call, calls_before = stub.calls()[0], len(stub.calls())
    stub.set_behaviour("failing", share=0.5, status=status, seconds=after_seconds)
    with testbed.start_load(
        orchestrator, testbed.expected_from_stub, rate=rate, seconds=testbed.duration(SECONDS, 1), name=failure
    ) as load:
        records = load.finish()
    prices = testbed.stub_prices()
    sent = {
        prices[number % len(prices)]: request.sent for number, request in enumerate(records) if request.sent is not None
    }
    # The first call is the readiness probe, which prices the same house repeatedly.
    sent.pop(first_call["prices"][0], None)
    calls = [
        (call["received_at"], [sent[price] for price in call["prices"] if price in sent])
        for call in stub.calls()[calls_before:]
    ]
    # A call can contain rows of many requests; the attempts of a request are the calls that contain its row.
    attempts = Counter(price for call in stub.calls()[calls_before:] for price in call["prices"] if price in sent)
    # A call may contain rows of expired requests if at least one request has not expired.
    max_age_seconds = DEADLINE_SECONDS + SCHEDULING_SECONDS
    ages = [received_at - max(sent_times) for received_at, sent_times in calls if sent_times]
    late = [age for age in ages if age > max_age_seconds]
    findings = testbed.findings
    total_attempts, requests_sent = sum(attempts.values()), len(attempts)
    figures = {
        "calls": len(calls),
        "attempts": total_attempts,
        "tried": requests_sent,
        "most_attempts": max(attempts.values()),
    }
    findings.figures[failure] = records.summary | figures
    if rate == RATE:
        # At a low rate the minimum retry budget allows more attempts.
        findings.expect_at_most(
            f"{failure}: attempts per request sent upstream",
            total_attempts / requests_sent,
            MAX_ATTEMPTS_PER_REQUEST,
            "",
        )
    findings.expect_none(f"{failure}: calls in which every request is past its deadline", late)
    findings.expect_none(
        f"{failure}: answers other than a price, 502, 503 or 504", records.other_than(200, 502, 503, 504)
    )
    findings.expect_none(f"{failure}: wrong prices", records.wrong)
    findings.expect(f"{failure}: priced requests", "> 0", len(records.priced), bool(len(records.priced)))
    findings.expect_at_most(f"{failure}: longest response time", records.max_ms, MAX_ANSWER_MS, "ms")
