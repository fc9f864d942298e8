"""More requests than the model server can price."""

import time
from typing import Final

from benchmarks.clients.wire import OK
from benchmarks.faults.monitors import Usage
from benchmarks.faults.testbed import MAX_ANSWER_MS, Testbed

ROWS_PER_SECOND: Final = 500
OFFERED_RATE: Final = 2_000.0
NORMAL_RATE: Final = 100.0
MIN_GOODPUT_SHARE: Final = 0.9
MAX_RECOVERY_SECONDS: Final = 5.0
MAX_NORMAL_MS: Final = 100.0
LOAD_START_SECONDS: Final = 1.0
"""Time that a load generator needs to start."""


def overload(testbed: Testbed) -> None:
    """2,000/s for 30 s against a model server that prices 500 rows/s in sequential calls."""
    stub = testbed.start_stub()
    orchestrator = testbed.start_orchestrator(stub.port)
    expected = testbed.expected_from_stub
    testbed.warm_up(orchestrator, expected)
    stub.set_behaviour("limited", rows_per_second=ROWS_PER_SECOND)
    seconds = testbed.duration(30, 2)
    with (
        Usage(orchestrator) as usage,
        testbed.start_load(orchestrator, expected, rate=OFFERED_RATE, seconds=seconds) as load,
    ):
        time.sleep(max(0.0, load.started + seconds - LOAD_START_SECONDS - time.monotonic()))
        # The normal load starts when the overload ends, not after its last answer.
        options = {"rate": NORMAL_RATE, "seconds": testbed.duration(10, 2) + LOAD_START_SECONDS, "name": "afterwards"}
        with testbed.start_load(orchestrator, expected, **options) as normal_load:
            records, after = load.finish(), normal_load.finish()
    overload_end = load.started + seconds
    after = after.due_between(overload_end)
    priced = records.priced
    refused = records.failed
    in_time = priced.where(lambda request: request.ended is not None and request.ended <= overload_end)
    slow_or_failed = after.where(lambda request: request.status != OK or request.seconds * 1000 > MAX_NORMAL_MS)
    recovery_seconds = max((request.due - overload_end for request in slow_or_failed), default=0.0)
    findings = testbed.findings
    findings.figures |= records.summary | {"afterwards": after.summary, "refused_p99_ms": refused.p99_ms}
    findings.expect_at_least("goodput", len(in_time) / seconds, MIN_GOODPUT_SHARE * ROWS_PER_SECOND, "/s")
    findings.expect_at_most("p99 of refusals", refused.p99_ms, 50, "ms")
    findings.expect_at_most("longest response time", records.max_ms, MAX_ANSWER_MS, "ms")
    findings.expect_at_most("growth of memory", usage.growth_mib, 100, "MiB")
    findings.expect_at_most(
        "recovery time (until all are priced within 100 ms)", recovery_seconds, MAX_RECOVERY_SECONDS, "s"
    )
    findings.expect_none("answers other than a price, 503 or 504", records.other_than(200, 503, 504))
    findings.expect_none("503 without Retry-After", refused.without_retry_after)
    findings.expect_none("wrong prices", records.wrong)
    findings.expect(
        "both refused and priced requests occur", "> 0", records.statuses, bool(len(priced) and len(refused))
    )
