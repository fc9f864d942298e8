"""Batches of the maximum size, more than the model server can price, while single houses are requested."""

from typing import Final

from benchmarks.faults.testbed import Testbed

RATE: Final = 100.0
BATCH_ROWS: Final = 10_000
BATCHES_PER_SECOND: Final = 4.0
"""More than the model server can price: 10,000 houses take about 0.4 s on two cores."""

MAX_ADDED_MS: Final = 100.0


def flood(testbed: Testbed) -> None:
    """Four batches of 10,000 per second during 100/s of single houses."""
    _, orchestrator = testbed.start_orchestrator_and_model_server()
    expected = testbed.expected
    testbed.warm_up(orchestrator, expected)
    rows = 1_000 if testbed.is_quick else BATCH_ROWS
    seconds = testbed.duration(20, 1.5)
    with testbed.start_load(orchestrator, expected, rate=RATE, seconds=testbed.duration(10, 0.5), name="quiet") as load:
        quiet = load.finish()
    options = {"rate": BATCHES_PER_SECOND, "seconds": seconds + 1, "rows": rows, "name": "batches"}
    with (
        testbed.start_load(orchestrator, expected, **options) as batch_load,
        testbed.start_load(orchestrator, expected, rate=RATE, seconds=seconds, name="singles") as load,
    ):
        singles, batches = load.finish(), batch_load.finish()
    findings = testbed.findings
    findings.figures |= {"quiet": quiet.summary, "beside": singles.summary, "batches": batches.summary}
    findings.expect_none("singles without a price", singles.failed)
    findings.expect_at_most("p99 of singles", singles.p99_ms, (quiet.p99_ms or 0.0) + MAX_ADDED_MS, "ms")
    findings.expect_none("batches with a status other than 200, 503 or 504", batches.other_than(200, 503, 504))
    findings.expect("priced batches", "> 0", batches.statuses, bool(len(batches.priced)))
    findings.expect_none("wrong prices", [*quiet.wrong, *singles.wrong, *batches.wrong])
