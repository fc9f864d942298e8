"""Waits for what another thread or process does, for a bounded time."""

import time
from collections.abc import Callable

SECONDS = 30
POLL_SECONDS = 0.01


def wait_until(is_so: Callable[[], bool], otherwise: str, seconds: float = SECONDS) -> None:
    """Look again and again; it is a failure, with these words, if it is not so in time."""
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, otherwise
        time.sleep(POLL_SECONDS)
