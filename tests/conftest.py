from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from .running import Up


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Up]]:
    """Return a function that starts `housing-price up` with fake services. All are stopped after the test."""
    started: list[Up] = []

    def start(*options: str, **changes: object) -> Up:
        state = changes.pop("state", tmp_path / "state")
        up = Up(state, *options, **({"fakes": True} | changes))
        started.append(up)
        return up

    yield start
    for up in started:
        up.end()
