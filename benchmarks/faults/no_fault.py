"""The baseline without a fault."""

from typing import Final

from benchmarks.faults.testbed import Testbed

RATE: Final = 200.0


def no_fault(testbed: Testbed) -> None:
    """200/s without a fault."""
    _, orchestrator = testbed.start_orchestrator_and_model_server()
    testbed.warm_up(orchestrator, testbed.expected)
    with testbed.start_load(orchestrator, testbed.expected, rate=RATE, seconds=testbed.duration(60, 1)) as load:
        records = load.finish()
    findings = testbed.findings
    findings.figures |= records.summary
    findings.expect_none("requests without a price", records.failed)
    findings.expect_none("wrong prices", records.wrong)
    findings.expect_at_most("p99", records.p99_ms, 100, "ms")
