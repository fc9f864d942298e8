"""Locks that show which workers are running: each holds a file lock, released by the system when its process ends."""

import contextlib
import fcntl
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import IO

_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}")


class WorkerNameTaken(Exception):
    """A worker with this name is already running."""


def is_worker_name(name: str) -> bool:
    """Return whether a name is valid for a worker; it becomes part of a file name."""
    return _NAME.fullmatch(name) is not None


class WorkerLocks:
    """The locks of the workers that share a folder, on one machine or on a file system with locks (NFS 4)."""

    def __init__(self, folder: Path) -> None:
        """Use lock files in `folder`, which is created when needed."""
        self._folder = folder / "workers"

    def acquire(self, name: str) -> IO[str]:
        """Acquire the lock of a name; it is held until the returned file is closed or this process ends.

        Raises:
            WorkerNameTaken: a worker with this name is running. Both would run the same jobs.
            OSError: the folder cannot be used.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        with self._exclusive():
            file = (self._folder / f"{name}.lock").open("a+")
            if not _try_lock(file):
                file.close()
                raise WorkerNameTaken(f"a worker named {name} is already running: choose another name (--name)")
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        return file

    @contextlib.contextmanager
    def lock_if_dead(self, name: str) -> Iterator[bool]:
        """Yield whether the worker with this name has ended; while the context lasts, none with this name can start.

        A name without a lock file counts as running: its worker may use another folder.
        """
        path = self._folder / f"{name}.lock"
        if not is_worker_name(name) or not path.is_file():
            yield False
            return
        # A worker that starts now waits for this lock instead of finding its own name taken by this check.
        with self._exclusive(), path.open("a+") as file:
            yield _try_lock(file)

    @contextlib.contextmanager
    def _exclusive(self) -> Iterator[None]:
        with (self._folder / ".names").open("a+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _try_lock(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
