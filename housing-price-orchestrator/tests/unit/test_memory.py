"""How the process treats memory: tried in one of its own, since there is no way back."""

import subprocess
import sys

import pytest

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
    command = [sys.executable, "-c", AGAIN_AND_AGAIN, how]
    return int(subprocess.run(command, capture_output=True, check=True, text=True).stdout)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only glibc has this setting")
def test_what_a_large_batch_has_used_is_there_for_the_next() -> None:
    assert pages_of_a_turn("as it comes") > 100
    assert pages_of_a_turn("keeping") <= 1
