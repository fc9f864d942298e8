from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from .running import Up


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Up]]:
    """Starts `housing-price up` with stand-ins for the services, as often as a test likes, and ends them all."""
    started: list[Up] = []

    def start(*options: str, **how: object) -> Up:
        state = how.pop("state", tmp_path / "state")
        up = Up(state, *options, **({"fakes": True} | how))
        started.append(up)
        return up

    yield start
    for up in started:
        up.end()
