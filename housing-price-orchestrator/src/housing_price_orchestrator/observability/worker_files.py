"""Where the worker processes of one service find what the others have counted."""

import fcntl
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

WRITTEN_EVERY_SECONDS = 0.25
"""How old what others see may be; what a worker that is killed loses. Prometheus asks every 15 s."""


class WorkerFiles:
    """One file for each worker, in a folder that the workers of one service share.

    A worker holds a lock as long as it lives, by which the others tell the living from the dead: a process id may have
    been given to somebody else. Files of the dead stay, because what they have counted has happened.
    """

    def __init__(self, folder: Path) -> None:
        """Join the workers that share `folder`, which must be there.

        Raises:
            OSError: the folder cannot be written.
        """
        self._folder = folder
        self._name = f"{os.getpid()}-{secrets.token_hex(4)}"
        self._lock = (folder / f"{self._name}.lock").open("wb")
        fcntl.flock(self._lock, fcntl.LOCK_EX)

    def write(self, snapshot: Any) -> None:
        """Replace what the others read of this worker, all at once."""
        unfinished = self._folder / f"{self._name}.new"
        unfinished.write_bytes(orjson.dumps(snapshot))
        unfinished.replace(self._folder / f"{self._name}.json")

    def all(self) -> Iterator[tuple[Any, bool]]:
        """Give what each worker wrote last, and whether it lives."""
        for path in sorted(self._folder.glob("*.json")):
            # First whether it lives, then what it says: whoever is dead says nothing new.
            is_alive = _is_held(path.with_suffix(".lock"))
            yield orjson.loads(path.read_bytes()), is_alive

    def close(self) -> None:
        """Count as dead from now on."""
        self._lock.close()


def _is_held(lock: Path) -> bool:
    with lock.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
