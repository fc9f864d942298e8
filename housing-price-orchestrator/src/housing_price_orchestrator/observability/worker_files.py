"""Files through which the worker processes of one service share their metrics."""

import contextlib
import fcntl
import os
import secrets
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import orjson

from housing_price_platform.files import READABLE, DamagedFile, read_document, write_atomically

WRITE_INTERVAL_SECONDS: Final = 0.25
"""Interval between writes: the maximum age of shared values. Prometheus scrapes every 15 s."""

STALE_SECONDS: Final = 5.0
"""Age of a snapshot after which its worker, although alive, counts as stopped: frozen, or unable to write."""


class WorkerSnapshot(NamedTuple):
    """The latest snapshot of a worker."""

    content: Any
    is_alive: bool
    """Whether the process exists."""
    is_stale: bool
    """Whether the process exists and has written nothing for `STALE_SECONDS`."""


class WorkerFiles:
    """One file per worker, in a folder that the workers of one service share.

    A worker holds a file lock while it is alive, which shows the others that it is; process ids would not do, because
    they are reused. Files of dead workers stay, so that counters never decrease.
    """

    def __init__(self, folder: Path) -> None:
        """Join the workers that share `folder`, which must exist.

        Raises:
            OSError: the folder cannot be written.
        """
        self._folder = folder
        self._name = f"{os.getpid()}-{secrets.token_hex(4)}"
        self._lock = (folder / f"{self._name}.lock").open("wb")
        fcntl.flock(self._lock, fcntl.LOCK_EX)

    def write(self, snapshot: Any) -> None:
        """Replace this worker's snapshot atomically."""
        # Not durable: the folder lasts no longer than the service.
        # The monotonic clock is the same in all processes of a machine.
        content = orjson.dumps([time.monotonic(), snapshot])
        write_atomically(self._folder / f"{self._name}.json", content, mode=READABLE, is_durable=False)

    def snapshots(self) -> Iterator[WorkerSnapshot]:
        """Yield each worker's latest snapshot; skips damaged files."""
        for path in sorted(self._folder.glob("*.json")):
            # Check the lock first: a worker that is dead by then writes nothing after its file is read.
            is_alive = _is_locked(path.with_suffix(".lock"))
            # A living worker soon replaces a damaged file.
            with contextlib.suppress(DamagedFile):
                written = read_document(path, _parse, remedy="restart the service")
                if written is not None:
                    written_at, snapshot = written
                    yield WorkerSnapshot(snapshot, is_alive, is_alive and time.monotonic() - written_at > STALE_SECONDS)

    def close(self) -> None:
        """Mark this worker as dead."""
        self._lock.close()


def _parse(content: bytes) -> tuple[float, dict[str, Any]]:
    written_at, snapshot = orjson.loads(content)
    if not isinstance(written_at, float) or not isinstance(snapshot, dict):
        raise TypeError("not a time and a JSON object")
    return written_at, snapshot


def _is_locked(lock: Path) -> bool:
    try:
        with lock.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False  # it was deleted
    return False
