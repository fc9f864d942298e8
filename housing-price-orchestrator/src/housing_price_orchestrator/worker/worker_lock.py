"""Which workers are alive: each holds the lock of a file of its name, which the system lets go of when it ends."""

import contextlib
import fcntl
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import IO

_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}")


class NameTaken(Exception):
    """A worker of that name is running."""


def is_worker_name(name: str) -> bool:
    """Tell whether a worker may have this name, which becomes that of a file."""
    return _NAME.fullmatch(name) is not None


class WorkerNames:
    """The names of the workers that share a folder, on one machine or on a file system with locks (NFS 4)."""

    def __init__(self, folder: Path) -> None:
        """Keep them in `folder`, which is made when it is needed."""
        self._folder = folder / "workers"

    def hold(self, name: str) -> IO[str]:
        """Take a name, until the file is closed or this process has ended, however it ends.

        Raises:
            NameTaken: a worker of this name runs: both would do the same jobs.
            OSError: the folder cannot be used.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        with self._one_at_a_time():
            file = (self._folder / f"{name}.lock").open("a+")
            if not _locked(file):
                file.close()
                raise NameTaken(f"a worker named {name} runs already: choose another name (--name)")
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        return file

    @contextlib.contextmanager
    def held_dead(self, name: str) -> Iterator[bool]:
        """Tell whether the worker of this name has ended; if so, none of this name starts while the context lasts.

        A name that nobody has had here is not told to be dead: its worker may have another folder.
        """
        path = self._folder / f"{name}.lock"
        if not is_worker_name(name) or not path.is_file():
            yield False
            return
        # Whoever starts waits here for its turn, and does not find its own name taken by somebody who only looks.
        with self._one_at_a_time(), path.open("a+") as file:
            yield _locked(file)

    @contextlib.contextmanager
    def _one_at_a_time(self) -> Iterator[None]:
        with (self._folder / ".names").open("a+") as turn:
            fcntl.flock(turn, fcntl.LOCK_EX)
            yield


def _locked(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
