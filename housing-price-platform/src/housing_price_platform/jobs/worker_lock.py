"""Locks that show which workers are running: each holds a file lock, released by the system when its process ends."""

import contextlib
import fcntl
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final

NAME_RULE: Final = "1 to 64 letters, digits, dots, dashes or underscores, starting with a letter or digit"
"""The rule for names of workers, for error messages."""

_NAME: Final = re.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
# Earlier workers could have these names. Their jobs can still be recovered.
_EARLIER_NAME: Final = re.compile("[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}")


class WorkerNameTaken(Exception):
    """A worker with this name is already running."""


def is_worker_name(name: str) -> bool:
    """Return whether a name is valid for a worker; it becomes part of a file name."""
    return _NAME.fullmatch(name) is not None


class WorkerLocks:
    """The locks of the workers that share a folder, on one machine or on a file system with locks (NFS 4).

    The lock file of the worker `NAME` is `NAME.lock`, after the prefix.
    """

    def __init__(self, folder: Path, *, prefix: str = "") -> None:
        """Use lock files in `folder`, which is created when needed.

        Where the folder holds other files as well, the prefix `.` keeps their names apart from those of the locks.
        """
        self._folder = folder
        self._prefix = prefix

    def acquire(self, name: str) -> IO[str]:
        """Acquire the lock of a name; it is held until the returned file is closed or this process ends.

        Raises:
            ValueError: the name is not valid (`is_worker_name`).
            WorkerNameTaken: a worker with this name is running. Both would run the same jobs.
            OSError: the folder cannot be used.
        """
        if not is_worker_name(name):
            raise ValueError(f"{name!r} is not a worker name: use {NAME_RULE}")
        self._folder.mkdir(parents=True, exist_ok=True)
        with self._exclusive():
            file = self._path(name).open("a+")
            if not _try_lock(file):
                file.close()
                raise WorkerNameTaken(f"a worker named {name} is already running: choose another name (--name)")
        # The process id is for people. A full disk must not keep a worker from starting.
        with contextlib.suppress(OSError):
            os.truncate(file.fileno(), 0)
            os.write(file.fileno(), str(os.getpid()).encode())
        return file

    @contextlib.contextmanager
    def lock_if_dead(self, name: str) -> Iterator[bool]:
        """Yield whether the worker with this name has ended; while the context lasts, none with this name can start.

        A name without a lock file counts as running: its worker may use another folder. So does a name that no worker
        can have had: names come from the jobs database, and must not lead to another file.
        """
        if _EARLIER_NAME.fullmatch(name) is None or not self._path(name).is_file():
            yield False
            return
        # A worker that starts now waits for this lock instead of finding its own name taken by this check.
        with self._exclusive(), self._path(name).open("a+") as file:
            yield _try_lock(file)

    def _path(self, name: str) -> Path:
        return self._folder / f"{self._prefix}{name}.lock"

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
