"""The model server takes long, but answers."""

import time

from benchmarks import houses
from benchmarks.faults.testbed import MAX_ANSWER_MS, Stub, Testbed, ask, one_house

LONG_SECONDS = 1.5
TOO_LONG_SECONDS = 2.5
ANSWERED, TOO_LATE = 200, 504
NOTICED_SECONDS = 0.5


def slow_model(testbed: Testbed) -> None:
    """One request at a time, with +1.5 s and with +2.5 s."""
    stub = testbed.start_stub()
    orchestrator = testbed.start_orchestrator(stub.port)
    asked = 1 if testbed.is_quick else 3
    found = testbed.findings
    price = testbed.stub_prices()[0]
    for seconds, status in ((testbed.duration(LONG_SECONDS, 0.5), ANSWERED), (TOO_LONG_SECONDS, TOO_LATE)):
        times: list[float] = []
        statuses: list[int] = []
        abandoned = 0
        for _ in range(asked):
            # Each alone: what failed may have opened the circuit, which is another scenario.
            stub.behave("good")
            testbed.wait_until_priced(orchestrator)
            stub.behave("good", seconds=seconds)
            before = len(stub.calls())
            started = time.monotonic()
            statuses.append(ask(orchestrator.port, "POST", houses.PREDICT_PATH, one_house()).status)
            times.append((time.monotonic() - started) * 1000)
            abandoned += _is_abandoned(stub, before, price)
        what = f"+{seconds:g} s"
        found.expect(f"{what}: status", str(status), statuses, set(statuses) == {status})
        found.expect_at_most(f"{what}: the latest answer", max(times), MAX_ANSWER_MS, "ms")
        if status == TOO_LATE:
            found.expect(f"{what}: calls cancelled upstream", str(asked), abandoned, abandoned == asked)
        found.figures[what] = {"times_ms": times, "statuses": statuses}


def _is_abandoned(stub: Stub, before: int, price: float) -> bool:
    """Whether the call for the house of this price was given up by the caller; looks until it was, for a while.

    Others may ask at any time whether the stub is well.
    """
    deadline = time.monotonic() + NOTICED_SECONDS
    while time.monotonic() < deadline:
        if any(call["left"] is not None for call in stub.calls()[before:] if price in call["prices"]):
            return True
        time.sleep(0.02)
    return False
