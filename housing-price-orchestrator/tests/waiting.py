"""Waits for what another thread or process does, for a bounded time."""

import time
from collections.abc import Callable

from fastapi.testclient import TestClient

from factories import services_of

SECONDS = 30
POLL_SECONDS = 0.01


def wait_until(is_so: Callable[[], bool], otherwise: str, seconds: float = SECONDS) -> None:
    """Look again and again; it is a failure, with these words, if it is not so in time."""
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, otherwise
        time.sleep(POLL_SECONDS)


def wait_for_ranges(client: TestClient, model_id: str = "stub-1") -> None:
    """Wait until the application has learned what the model has seen: its first probe asks for it."""
    warnings = services_of(client).input_warnings
    wait_until(lambda: warnings.ranges_of(model_id) is not None, f"the ranges of {model_id} did not come")
