"""Locks a SQLite file from another process, as a backup program or a second service can."""

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

LOCK_SECONDS: Final = 60.0

_HOLD: Final = """
import sqlite3, sys
file, mode, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3])
connection = sqlite3.connect(file, isolation_level=None, timeout=seconds)
connection.execute(f"PRAGMA locking_mode={mode}")
connection.execute("BEGIN EXCLUSIVE")
if mode == "EXCLUSIVE":
    connection.execute("CREATE TABLE IF NOT EXISTS lock_of_a_test (x)")
print("locked", flush=True)
sys.stdin.read()
connection.execute("ROLLBACK")
connection.close()
"""


@contextlib.contextmanager
def exclusive_lock(file: Path, *, blocks_readers: bool = False) -> Iterator[None]:
    """Hold an exclusive lock on a file inside this context.

    With a write-ahead log, an exclusive transaction blocks writers only; `blocks_readers` locks out everybody.

    Raises:
        RuntimeError: the lock could not be taken.
    """
    mode = "EXCLUSIVE" if blocks_readers else "NORMAL"
    # A process of its own: the locks of one process do not exclude each other, if it has two SQLite libraries.
    command = [sys.executable, "-c", _HOLD, str(file), mode, str(LOCK_SECONDS)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:  # noqa: S603 - our own program
        assert holder.stdin is not None and holder.stdout is not None  # noqa: S101, PT018 - both are pipes
        try:
            if holder.stdout.readline() != b"locked\n":
                raise RuntimeError(f"{file} could not be locked")
            yield
        finally:
            holder.stdin.close()
