"""Ids that are unique, and made without asking the system for randomness each time."""

import secrets
from collections.abc import Callable
from itertools import count


def unique_ids() -> Callable[[], str]:
    """Make a source of ids: 32 hexadecimal digits, random for the process and counted within it; no secrets."""
    process = secrets.token_hex(12)
    numbers = count()
    return lambda: f"{process}{next(numbers) & 0xFFFFFFFF:08x}"
