"""The baseline without a fault."""

from benchmarks.faults.testbed import Testbed

RATE = 200.0


def no_fault(testbed: Testbed) -> None:
    """200/s without a fault."""
    _, orchestrator = testbed.start_orchestrator_and_model_server()
    testbed.warm_up(orchestrator, testbed.expected)
    with testbed.start_load(orchestrator, testbed.expected, rate=RATE, seconds=testbed.duration(60, 1)) as load:
        seen = load.finish()
    found = testbed.findings
    found.figures |= seen.summary
    found.expect_none("requests without a price", seen.failed)
    found.expect_none("wrong prices", seen.wrong)
    found.expect_at_most("p99", seen.p99_ms, 100, "ms")
