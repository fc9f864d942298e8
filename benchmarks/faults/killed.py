"""The model server is killed with SIGKILL under load and restarted later."""

import signal
import time

from benchmarks.faults.testbed import MAX_ANSWER_MS, Testbed

RATE = 200.0
SETTLING_SECONDS = 0.25
READY_POLL_SECONDS = 0.02
MAX_LOAD_SECONDS = 120.0


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
        seen = load.stop()
    away = seen.due(killed_at + SETTLING_SECONDS, ready_at)
    refused = away.failed
    found = testbed.findings
    found.figures |= seen.summary | {"seconds_away": ready_at - killed_at}
    prices = sorted(request.ended for request in seen.priced if request.ended is not None and request.ended >= ready_at)
    first_price_ms = (prices[0] - ready_at) * 1000 if prices else None
    found.expect_at_most("longest response time", seen.max_ms, MAX_ANSWER_MS, "ms")
    found.expect_none("errors other than 503", seen.failed.other_than(503), is_figure=True)
    found.expect_none("errors other than 503 and 504", seen.failed.other_than(503, 504))
    found.expect_none("503 without Retry-After", seen.without_retry_after)
    found.expect_none("requests without a complete answer", seen.unanswered)
    found.expect_at_most("p99 of errors from 250 ms after the kill until the restart", refused.p99_ms, 20, "ms")
    found.expect_at_most("first price after the restart", first_price_ms, 1000, "ms")
    found.expect_none("wrong prices", seen.wrong)
    found.expect("prices after the restart", "> 0", len(prices), bool(prices))
    error_times_ms = [(request.due - ready_at) * 1000 for request in seen.due(ready_at).failed]
    found.expect_at_most("last error after the restart", max(error_times_ms, default=0.0), 1000, "ms")
