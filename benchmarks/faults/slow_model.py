"""The model server answers slowly."""

import time
from typing import Final

from benchmarks import houses
from benchmarks.faults.testbed import MAX_ANSWER_MS, Stub, Testbed, one_house, send

LONG_SECONDS: Final = 1.5
TOO_LONG_SECONDS: Final = 2.5
ANSWERED, TOO_LATE = 200, 504
CANCEL_TIMEOUT_SECONDS: Final = 0.5


def slow_model(testbed: Testbed) -> None:
    """One request at a time; the model server answers after 1.5 s, then after 2.5 s."""
    stub = testbed.start_stub()
    orchestrator = testbed.start_orchestrator(stub.port)
    requests = 1 if testbed.is_quick else 3
    findings = testbed.findings
    price = testbed.stub_prices()[0]
    for seconds, status in ((testbed.duration(LONG_SECONDS, 0.5), ANSWERED), (TOO_LONG_SECONDS, TOO_LATE)):
        times: list[float] = []
        statuses: list[int] = []
        cancelled = 0
        for _ in range(requests):
            # The previous failure may have opened the circuit; wait until it is closed again.
            stub.set_behaviour("good")
            testbed.wait_until_priced(orchestrator)
            stub.set_behaviour("good", seconds=seconds)
            before = len(stub.calls())
            started = time.monotonic()
            statuses.append(send(orchestrator.port, "POST", houses.PREDICT_PATH, one_house()).status)
            times.append((time.monotonic() - started) * 1000)
            cancelled += _is_cancelled(stub, before, price)
        delay = f"+{seconds:g} s"
        findings.expect(f"{delay}: status", str(status), statuses, set(statuses) == {status})
        findings.expect_at_most(f"{delay}: longest response time", max(times), MAX_ANSWER_MS, "ms")
        if status == TOO_LATE:
            findings.expect(f"{delay}: calls cancelled upstream", str(requests), cancelled, cancelled == requests)
        findings.figures[delay] = {"times_ms": times, "statuses": statuses}


def _is_cancelled(stub: Stub, before: int, price: float) -> bool:
    """Return whether the call with the house of this price is cancelled within CANCEL_TIMEOUT_SECONDS.

    Other calls can be readiness probes.
    """
    deadline = time.monotonic() + CANCEL_TIMEOUT_SECONDS
    while time.monotonic() < deadline:
        if any(call["cancelled_at"] is not None for call in stub.calls()[before:] if price in call["prices"]):
            return True
        time.sleep(0.02)
    return False
