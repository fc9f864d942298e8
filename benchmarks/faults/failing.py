"""The model server answers every second call with an error."""

from collections import Counter

from benchmarks.faults.arena import DEADLINE_SECONDS, LATEST_MS, Arena, Stub
from benchmarks.processes import Server

RATE = 200.0
SLOW_RATE = 20.0
SLOW_FAILURE_SECONDS = 0.7
ATTEMPTS = 1.2
SCHEDULING_SECONDS = 0.1


def failing(arena: Arena) -> None:
    """50 % of the calls fail: with 500, with 503, and with 503 after 0.7 s."""
    stub = arena.stub()
    orchestrator = arena.orchestrator(stub.port)
    arena.warm_up(orchestrator, arena.expected_of_stub)
    seconds = arena.lasting(10, 1)
    for status, after_seconds, rate in ((500, 0.0, RATE), (503, 0.0, RATE), (503, SLOW_FAILURE_SECONDS, SLOW_RATE)):
        stub.behave("failing", share=0.5, status=status, seconds=after_seconds)
        _fails(arena, orchestrator, stub, f"{status} after {after_seconds:g} s", rate=rate, seconds=seconds)
        stub.behave("good")
        # The circuit may be open; what comes next begins with a closed one.
        arena.until_priced(orchestrator)


def _fails(arena: Arena, orchestrator: Server, stub: Stub, what: str, *, rate: float, seconds: float) -> None:
    before = len(stub.calls())
    with arena.load(orchestrator, arena.expected_of_stub, rate=rate, seconds=seconds, name=what) as load:
        seen = load.finish()
    prices = arena.prices_of_stub()
    due = {prices[number % len(prices)]: one.due for number, one in enumerate(seen)}
    # The first call of all asked whether there is an answer, and that house is asked about again and again.
    due.pop(stub.calls()[0]["prices"][0], None)
    # A call may carry many requests, so the attempts of a request are the calls in which its row was seen.
    attempts = Counter(price for call in stub.calls()[before:] for price in call["prices"] if price in due)
    late = [
        call["at"] - due[price]
        for call in stub.calls()[before:]
        for price in call["prices"]
        if price in due and call["at"] - due[price] > DEADLINE_SECONDS + SCHEDULING_SECONDS
    ]
    found = arena.findings
    found.figures[what] = seen.summary | {"attempts": sum(attempts.values()), "most_attempts": max(attempts.values())}
    found.at_most(f"{what}: attempts per request", sum(attempts.values()) / len(attempts), ATTEMPTS, "")
    found.none(f"{what}: attempts after the deadline", late)
    found.none(f"{what}: other answers", seen.unlike(200, 502, 503, 504))
    found.none(f"{what}: wrong prices", seen.wrong)
    found.holds(f"{what}: some are priced", "> 0", len(seen.priced), bool(len(seen.priced)))
    found.at_most(f"{what}: the latest answer", seen.max_ms, LATEST_MS, "ms")
