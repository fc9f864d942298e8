"""The model server answers every second call with an error."""

from collections import Counter

from benchmarks.faults.testbed import DEADLINE_SECONDS, MAX_ANSWER_MS, Stub, Testbed
from benchmarks.processes import Server

RATE = 200.0
SECONDS = 10.0
"""Not longer: each house of the survey is asked for once, so that it is known again."""

SLOW_RATE = 20.0
SLOW_FAILURE_SECONDS = 0.7
ATTEMPTS = 1.2
SCHEDULING_SECONDS = 0.1


def failing(testbed: Testbed) -> None:
    """50 % of the calls fail: with 500, with 503, and with 503 after 0.7 s."""
    for status, after_seconds, rate in ((500, 0.0, RATE), (503, 0.0, RATE), (503, SLOW_FAILURE_SECONDS, SLOW_RATE)):
        # Each with an orchestrator of its own, and not warmed up: what went well may pay for the retries of later.
        stub = testbed.start_stub()
        orchestrator = testbed.start_orchestrator(stub.port)
        _fails(testbed, orchestrator, stub, status=status, after_seconds=after_seconds, rate=rate)


def _fails(
    testbed: Testbed, orchestrator: Server, stub: Stub, *, status: int, after_seconds: float, rate: float
) -> None:
    what = f"{status} after {after_seconds:g} s"
    asked_first, before = stub.calls()[0], len(stub.calls())
    stub.behave("failing", share=0.5, status=status, seconds=after_seconds)
    with testbed.start_load(
        orchestrator, testbed.expected_from_stub, rate=rate, seconds=testbed.duration(SECONDS, 1), name=what
    ) as load:
        seen = load.finish()
    prices = testbed.stub_prices()
    sent = {
        prices[number % len(prices)]: request.sent for number, request in enumerate(seen) if request.sent is not None
    }
    # The first call of all asked whether there is an answer, and that house is asked about again and again.
    sent.pop(asked_first["prices"][0], None)
    calls = [(call["at"], [sent[price] for price in call["prices"] if price in sent]) for call in stub.calls()[before:]]
    # A call may carry many requests, so the attempts of a request are the calls in which its row was seen.
    attempts = Counter(price for call in stub.calls()[before:] for price in call["prices"] if price in sent)
    # It may also carry some whose time is over, as long as there is one that is waited for.
    latest = DEADLINE_SECONDS + SCHEDULING_SECONDS
    late = [at - max(carried) for at, carried in calls if carried and at - max(carried) > latest]
    found = testbed.findings
    made, tried = sum(attempts.values()), len(attempts)
    figures = {"calls": len(calls), "attempts": made, "tried": tried, "most_attempts": max(attempts.values())}
    found.figures[what] = seen.summary | figures
    if rate == RATE:
        # At a low rate what the floor of the budget allows is more than that.
        found.expect_at_most(f"{what}: attempts per request that was tried", made / tried, ATTEMPTS, "")
    found.expect_none(f"{what}: calls after the deadlines of all that they carry", late)
    found.expect_none(f"{what}: other answers", seen.other_than(200, 502, 503, 504))
    found.expect_none(f"{what}: wrong prices", seen.wrong)
    found.expect(f"{what}: some are priced", "> 0", len(seen.priced), bool(len(seen.priced)))
    found.expect_at_most(f"{what}: the latest answer", seen.max_ms, MAX_ANSWER_MS, "ms")
