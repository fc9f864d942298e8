"""Memory settings of the process."""

import gc
import subprocess
import sys

import pytest

from housing_price_orchestrator.composition.memory import GC_THRESHOLD_OBJECTS, rare_garbage_collection

REPEATED_ALLOCATION = """
import sys
from resource import RUSAGE_SELF, getrusage
from housing_price_orchestrator.composition.memory import retain_freed_memory
if sys.argv[1] == "retain":
    retain_freed_memory()
pages = 0
for turn in range(20):
    before = getrusage(RUSAGE_SELF).ru_minflt
    body = [b"x" * (2 << 20) for _ in range(8)]
    del body
    if turn >= 10:
        pages += getrusage(RUSAGE_SELF).ru_minflt - before
print(pages // 10)
"""


def page_faults_per_turn(mode: str) -> int:
    """Measured in a separate process, because the setting cannot be undone."""
    command = [sys.executable, "-c", REPEATED_ALLOCATION, mode]
    return int(subprocess.run(command, capture_output=True, check=True, text=True).stdout)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only glibc has this setting")
def test_memory_of_a_large_batch_is_reused_for_the_next() -> None:
    assert page_faults_per_turn("default") > 100
    assert page_faults_per_turn("retain") <= 1


def test_existing_objects_are_frozen_until_the_end() -> None:
    before = gc.get_threshold()
    with rare_garbage_collection():
        assert gc.get_freeze_count() > 0
        assert gc.isenabled()
        assert gc.get_threshold()[0] == GC_THRESHOLD_OBJECTS
    assert gc.get_freeze_count() == 0
    assert gc.get_threshold() == before
