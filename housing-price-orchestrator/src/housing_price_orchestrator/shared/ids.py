"""Unique ids that need no system randomness per id."""

import itertools
import secrets
import time
from collections.abc import Callable
from typing import Final


def unique_ids() -> Callable[[], str]:
    """Return a function that makes ids of 32 hexadecimal digits: random per process, then a counter. Not secret."""
    process = secrets.token_hex(12)
    numbers = itertools.count()
    return lambda: f"{process}{next(numbers) & 0xFFFFFFFF:08x}"


MAX_IDS_PER_CALL: Final = 0x10000


def time_ordered_ids(clock_ns: Callable[[], int] = time.time_ns) -> Callable[[int], list[str]]:
    """Return a function that makes a number of ids that sort by time of creation. Not secret.

    Each id is a UUID version 7 (RFC 9562, section 5.7) without dashes. Its hexadecimal digits: milliseconds since 1970
    (12), `7`, the counter's upper part (3), `8`, random per process (7), the counter's lower part (4) and the index
    within the call (4). One call makes at most `MAX_IDS_PER_CALL` ids.
    """
    process = secrets.token_hex(4)[:7]
    numbers = itertools.count()

    def make(count: int) -> list[str]:
        number = next(numbers)
        head = f"{clock_ns() // 1_000_000:012x}7{number >> 16 & 0xFFF:03x}8{process}{number & 0xFFFF:04x}"
        if count == 1:
            return [head + "0000"]
        if count > MAX_IDS_PER_CALL:
            raise ValueError(f"cannot make {count} ids at a time: the maximum is {MAX_IDS_PER_CALL}")
        return [head + suffix for suffix in _suffixes(count)]

    return make


_suffix_cache: list[str] = []


def _suffixes(count: int) -> list[str]:
    """Return the first `count` index suffixes as four hexadecimal digits, from a cache."""
    suffixes = _suffix_cache
    if len(suffixes) < count:
        suffixes = [f"{index:04x}" for index in range(count)]
        # One slice assignment, so that no other thread sees a partial list.
        _suffix_cache[:] = suffixes
    return suffixes[:count]
