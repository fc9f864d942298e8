"""The model server is stopped with SIGSTOP: it accepts connections but does not answer."""

import signal
import time
from typing import Final

from benchmarks.clients.wire import OK
from benchmarks.faults.monitors import Probes
from benchmarks.faults.testbed import MAX_ANSWER_MS, Testbed

RATE: Final = 200.0
OPEN: Final = "circuit-open"
MAX_LOAD_SECONDS: Final = 60.0
HICCUP_RATE: Final = 400.0
HICCUP_SECONDS: Final = 0.5
HICCUP_PAUSE_SECONDS: Final = 1.5


def stopped(testbed: Testbed) -> None:
    """SIGSTOP of the model server for 10 s at 200/s, then SIGCONT."""
    model_server, orchestrator = testbed.start_orchestrator_and_model_server()
    expected = testbed.expected
    testbed.warm_up(orchestrator, expected)
    with (
        testbed.start_load(orchestrator, expected, rate=RATE, seconds=MAX_LOAD_SECONDS) as load,
        Probes(orchestrator.port, "/readyz") as ready,
        Probes(orchestrator.port, "/livez") as alive,
    ):
        time.sleep(testbed.duration(3, 0.5))
        model_server.send_signal(signal.SIGSTOP)
        stopped_at = time.monotonic()
        try:
            time.sleep(testbed.duration(10, 3))
        finally:
            model_server.send_signal(signal.SIGCONT)
        continued_at = time.monotonic()
        ready.wait_for(200, continued_at, MAX_LOAD_SECONDS / 2)
        time.sleep(testbed.duration(8, 1))
        records = load.stop()
    while_stopped = records.due_between(stopped_at, continued_at)
    refused_at = [request.ended for request in while_stopped if request.problem == OPEN and request.ended is not None]
    open_ms = (min(refused_at) - stopped_at) * 1000 if refused_at else None
    after = records.due_between(continued_at)
    findings = testbed.findings
    findings.figures |= records.summary | {"while_stopped": while_stopped.statuses, "afterwards": after.statuses}
    findings.expect_none("answers other than a price, 503 or 504", records.other_than(200, 503, 504))
    findings.expect_at_most("longest response time", records.max_ms, MAX_ANSWER_MS, "ms")
    findings.expect_at_most("time until the circuit opens", open_ms, 2500, "ms")
    findings.expect("the circuit opens", "yes", f"{len(refused_at)} requests refused", bool(refused_at))
    failing_fast = while_stopped.where(lambda request: request.due >= stopped_at + 2.5)
    findings.expect_at_most("p99 of errors from 2.5 s after SIGSTOP", failing_fast.p99_ms, 50, "ms")
    not_ready = ready.seconds_until(503, stopped_at)
    findings.expect_at_most(
        "time until /readyz returns 503", None if not_ready is None else not_ready * 1000, 3000, "ms"
    )
    findings.expect_none("answers of /livez other than 200", [status for _, status in alive.answers if status != OK])
    error_times_ms = [(request.due - continued_at) * 1000 for request in after.failed]
    findings.expect_at_most("last error after SIGCONT", max(error_times_ms, default=0.0), 3000, "ms")
    findings.expect("prices after SIGCONT", "> 0", len(after.priced), bool(len(after.priced)))
    findings.expect_none("wrong prices", records.wrong)


def hiccups(testbed: Testbed) -> None:
    """SIGSTOP of the model server for 0.5 s every 2 s at 400/s, as on an overloaded machine."""
    model_server, orchestrator = testbed.start_orchestrator_and_model_server()
    expected = testbed.expected
    testbed.warm_up(orchestrator, expected)
    with testbed.start_load(orchestrator, expected, rate=HICCUP_RATE, seconds=MAX_LOAD_SECONDS) as load:
        for _ in range(int(testbed.duration(15, 2))):
            time.sleep(HICCUP_PAUSE_SECONDS)
            model_server.send_signal(signal.SIGSTOP)
            try:
                time.sleep(HICCUP_SECONDS)
            finally:
                model_server.send_signal(signal.SIGCONT)
        records = load.stop()
    findings = testbed.findings
    findings.figures |= records.summary
    findings.expect_none("answers other than a price", records.other_than(OK))
    # Each request waits for the rest of a hiccup and for at most one more call.
    findings.expect_at_most("longest response time", records.max_ms, 2 * HICCUP_SECONDS * 1000, "ms")
    findings.expect_none("wrong prices", records.wrong)
