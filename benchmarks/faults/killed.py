"""The model server is killed with SIGKILL under load and restarted later."""

import signal
import time
from typing import Final

from benchmarks.faults.testbed import MAX_ANSWER_MS, Testbed

RATE: Final = 200.0
SETTLING_SECONDS: Final = 0.25
READY_POLL_SECONDS: Final = 0.02
MAX_LOAD_SECONDS: Final = 120.0


def killed(testbed: Testbed) -> None:
    """SIGKILL of the model server at 200/s; a new one starts 3 s later."""
    model_server, orchestrator = testbed.start_orchestrator_and_model_server()
    expected = testbed.expected
    testbed.warm_up(orchestrator, expected)
    with testbed.start_load(orchestrator, expected, rate=RATE, seconds=MAX_LOAD_SECONDS) as load:
        time.sleep(testbed.duration(3, 0.5))
        model_server.send_signal(signal.SIGKILL)
        killed_at = time.monotonic()
        model_server.wait(5)
        time.sleep(testbed.duration(3, 0.2))
        testbed.start_any_model_server(model_server.port).wait_until_ready(READY_POLL_SECONDS)
        ready_at = time.monotonic()
        time.sleep(testbed.duration(5, 1))
        records = load.stop()
    while_down = records.due_between(killed_at + SETTLING_SECONDS, ready_at)
    refused = while_down.failed
    findings = testbed.findings
    findings.figures |= records.summary | {"seconds_away": ready_at - killed_at}
    prices = sorted(
        request.ended for request in records.priced if request.ended is not None and request.ended >= ready_at
    )
    first_price_ms = (prices[0] - ready_at) * 1000 if prices else None
    findings.expect_at_most("longest response time", records.max_ms, MAX_ANSWER_MS, "ms")
    findings.expect_none("errors other than 503", records.failed.other_than(503), is_figure=True)
    findings.expect_none("errors other than 503 and 504", records.failed.other_than(503, 504))
    findings.expect_none("503 without Retry-After", records.without_retry_after)
    findings.expect_none("requests without a complete answer", records.unanswered)
    findings.expect_at_most("p99 of errors from 250 ms after the kill until the restart", refused.p99_ms, 20, "ms")
    findings.expect_at_most("first price after the restart", first_price_ms, 1000, "ms")
    findings.expect_none("wrong prices", records.wrong)
    findings.expect("prices after the restart", "> 0", len(prices), bool(prices))
    error_times_ms = [(request.due - ready_at) * 1000 for request in records.due_between(ready_at).failed]
    findings.expect_at_most("last error after the restart", max(error_times_ms, default=0.0), 1000, "ms")
