"""How the process treats memory."""

import gc
import subprocess
import sys

import pytest

from housing_price_orchestrator.composition.memory import GARBAGE_AFTER_OBJECTS, little_looking_for_garbage

AGAIN_AND_AGAIN = """
import sys
from resource import RUSAGE_SELF, getrusage
from housing_price_orchestrator.composition.memory import keep_freed_memory
if sys.argv[1] == "keeping":
    keep_freed_memory()
pages = 0
for turn in range(20):
    before = getrusage(RUSAGE_SELF).ru_minflt
    body = [b"x" * (2 << 20) for _ in range(8)]
    del body
    if turn >= 10:
        pages += getrusage(RUSAGE_SELF).ru_minflt - before
print(pages // 10)
"""


def pages_of_a_turn(how: str) -> int:
    """In a process of its own, since there is no way back."""
    command = [sys.executable, "-c", AGAIN_AND_AGAIN, how]
    return int(subprocess.run(command, capture_output=True, check=True, text=True).stdout)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only glibc has this setting")
def test_what_a_large_batch_has_used_is_there_for_the_next() -> None:
    assert pages_of_a_turn("as it comes") > 100
    assert pages_of_a_turn("keeping") <= 1


def test_what_is_here_at_the_start_is_not_looked_through_until_the_end() -> None:
    before = gc.get_threshold()
    with little_looking_for_garbage():
        assert gc.get_freeze_count() > 0
        assert gc.isenabled()
        assert gc.get_threshold()[0] == GARBAGE_AFTER_OBJECTS
    assert gc.get_freeze_count() == 0
    assert gc.get_threshold() == before
