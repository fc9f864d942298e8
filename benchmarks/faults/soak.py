"""A long run without a fault."""

from typing import Final

from benchmarks.faults.monitors import Usage
from benchmarks.faults.testbed import Testbed

RATE: Final = 100.0
WARM_UP_SHARE: Final = 0.2
SAMPLE_SECONDS: Final = 2.0
MAX_SLOPE_MIB: Final = 1.0
SLOPE_SECONDS: Final = 600.0
MAX_ADDED_DESCRIPTORS: Final = 5


def soak(testbed: Testbed) -> None:
    """100/s for 30 minutes, with the memory and file descriptors of the orchestrator sampled."""
    _, orchestrator = testbed.start_orchestrator_and_model_server()
    testbed.warm_up(orchestrator, testbed.expected)
    seconds = testbed.duration(testbed.minutes * 60, 2)
    with Usage(orchestrator, SAMPLE_SECONDS if not testbed.is_quick else 0.25) as usage:
        with testbed.start_load(orchestrator, testbed.expected, rate=RATE, seconds=seconds) as load:
            records = load.finish()
        since = load.started + WARM_UP_SHARE * seconds
        under_load = [sample for sample in usage.samples if since <= sample[0] <= load.started + seconds]
    usage.samples = under_load
    slope = usage.slope(lambda sample: sample[1], since) * SLOPE_SECONDS
    descriptors = [count for _, _, count in under_load]
    half = len(descriptors) // 2
    findings = testbed.findings
    findings.figures |= records.summary | {
        "minutes": seconds / 60,
        "slope_mib_per_10_minutes": slope,
        "memory_mib": [round(memory, 2) for _, memory, _ in under_load[:: max(1, len(under_load) // 100)]],
        "descriptors": [min(descriptors), max(descriptors)],
    }
    findings.expect_none("requests without a price", records.failed)
    findings.expect_none("wrong prices", records.wrong)
    findings.expect_at_most("growth of memory per 10 minutes", slope, MAX_SLOPE_MIB, "MiB")
    risen = max(descriptors[half:]) - max(descriptors[:half])
    findings.expect_at_most(
        "file descriptors: peak of the second half minus peak of the first", risen, MAX_ADDED_DESCRIPTORS, ""
    )
