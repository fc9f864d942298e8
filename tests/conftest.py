from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from .running import Up


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Up]]:
    """Return a function that starts `housing-price up` with fake services. All are stopped after the test."""
    started: list[Up] = []

    def start(*options: str, state: Path = tmp_path / "state", fakes: bool = True, **changes: Any) -> Up:
        up = Up(state, *options, fakes=fakes, **changes)
        started.append(up)
        return up

    yield start
    for up in started:
        up.end()
