"""Ids that are unique, and made without asking the system for randomness each time."""

import secrets
import time
from collections.abc import Callable
from itertools import count


def unique_ids() -> Callable[[], str]:
    """Make a source of ids: 32 hexadecimal digits, random for the process and counted within it; no secrets."""
    process = secrets.token_hex(12)
    numbers = count()
    return lambda: f"{process}{next(numbers) & 0xFFFFFFFF:08x}"


MAX_IDS_AT_A_TIME = 0x10000


def time_ordered_ids(clock_ns: Callable[[], int] = time.time_ns) -> Callable[[int], list[str]]:
    """Make a source of ids that sort by the time at which they were made, so many at a time; no secrets.

    Each is a UUID of version 7 (RFC 9562, section 5.7) without its dashes: milliseconds since 1970 (12 digits), 7, a
    count (3), 8, what is random for the process (7), the count's lower part (4), and the place among those that were
    made together (4), of which there are at most `MAX_IDS_AT_A_TIME`.
    """
    process = secrets.token_hex(4)[:7]
    numbers = count()

    def make(how_many: int) -> list[str]:
        number = next(numbers)
        head = f"{clock_ns() // 1_000_000:012x}7{number >> 16 & 0xFFF:03x}8{process}{number & 0xFFFF:04x}"
        if how_many == 1:
            return [head + "0000"]
        if how_many > MAX_IDS_AT_A_TIME:
            raise ValueError(f"{how_many} ids at a time are more than {MAX_IDS_AT_A_TIME}")
        return [head + place for place in _places(how_many)]

    return make


_known_places: list[str] = []


def _places(how_many: int) -> list[str]:
    """Write the numbers from 0 on with four digits; those that were written before are at hand."""
    places = _known_places
    if len(places) < how_many:
        places = [f"{place:04x}" for place in range(how_many)]
        # At once, so that no other thread sees half of them.
        _known_places[:] = places
    return places[:how_many]
