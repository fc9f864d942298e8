"""How this process treats memory: as suits one that does the same thing thousands of times a second."""

import contextlib
import ctypes
import gc
from collections.abc import Iterator

GARBAGE_AFTER_OBJECTS = 20_000
"""Python's own 2,000 has 128 requests that are under way looked through again and again: 5 us of each."""

KEPT_BYTES = 32 * 2**20
"""The largest body of a batch, as it comes. By itself the C library gives back what a batch of 1,000 houses has used,
and takes it again for the next, in 840 pages that the system has to clear: 1 to 3 of 12 ms."""

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
"""See mallopt(3)."""


@contextlib.contextmanager
def little_looking_for_garbage() -> Iterator[None]:
    """Look for garbage seldom, and not among what is here now, which stays."""
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    # What a request makes is gone with it, so there is little to be found.
    gc.set_threshold(GARBAGE_AFTER_OBJECTS)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


def keep_freed_memory() -> None:
    """Keep up to `KEPT_BYTES` that were freed for what comes next, for as long as the process lives.

    Does nothing with a C library that has no such setting, as there are others than glibc.
    """
    with contextlib.suppress(AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_M_TRIM_THRESHOLD, KEPT_BYTES)
        mallopt(_M_MMAP_THRESHOLD, KEPT_BYTES)
