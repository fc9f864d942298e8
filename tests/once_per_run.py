"""Folders that are made once per run of the tests, however many parallel workers need them."""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """Return the folder with this name of the run. The first worker that needs it makes it, and the others wait."""
    with maker_of(factory, name, make) as make_if_missing:
        return make_if_missing()


@contextmanager
def maker_of(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Iterator[Callable[[], Path]]:
    """Lock the folder with this name of the run; gives a function that makes it, unless it was made before.

    Workers that need the folder wait for the end of the lock.
    """
    base = factory.getbasetemp()
    # The base folder of a parallel worker lies inside the folder of the run, which all workers share.
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / name
    folder.mkdir(exist_ok=True)

    def make_if_missing() -> Path:
        if not (folder / "complete").exists():
            make(folder)
            (folder / "complete").touch()
        return folder

    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield make_if_missing
