"""A service ends without a search for garbage, and its exit functions run."""

import subprocess
import sys

import pytest

SERVICE = """
import atexit, sys, weakref
from housing_price_platform.quick_exit import skip_final_garbage_collection

class Cycle:
    def __init__(self):
        self.itself = self
    def __del__(self):
        print("collected")

if "quick" in sys.argv:
    skip_final_garbage_collection()
kept = Cycle()
weakref.finalize(kept, print, "finalized")
atexit.register(print, "exit function")
{end}
"""


@pytest.mark.parametrize("end", ["", "sys.exit(0)"])
def test_unreachable_objects_are_not_searched_at_the_exit(end: str) -> None:
    assert lines_of(end, "quick") == {"finalized", "exit function"}
    # Without it, the interpreter searches.
    assert lines_of(end) == {"finalized", "exit function", "collected"}


def lines_of(end: str, *arguments: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", SERVICE.format(end=end), *arguments],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    return set(done.stdout.splitlines())
