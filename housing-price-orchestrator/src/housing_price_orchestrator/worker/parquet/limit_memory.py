"""Limits the memory of a process that reads untrusted files, on Linux and on systems without `/proc`."""

import os
import resource
import sys
import threading
import time
from pathlib import Path
from typing import Final

EXIT_TOO_MUCH_MEMORY: Final = 4
"""Exit status of a process that exceeds the limit where the operating system does not enforce it."""

STATM: Final = Path("/proc/self/statm")
"""The memory of this process, in pages, on Linux."""

_CHECK_SECONDS: Final = 0.01
_DATA_FIELD: Final = 5
_MEGABYTE: Final = 1024 * 1024


def limit_memory(megabytes: int, *, statm: Path = STATM) -> None:
    """Limit this process to its current memory plus `megabytes`, and disable core dumps.

    On Linux the kernel enforces the limit. Elsewhere, and where `/proc` is not mounted, the current memory in the sense
    of `RLIMIT_DATA` is unknown: a thread then watches the peak of the resident memory and ends the process.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        pages = int(statm.read_text().split()[_DATA_FIELD])
    except (OSError, ValueError, IndexError):
        threading.Thread(target=_watch, args=(peak_bytes() + megabytes * _MEGABYTE,), daemon=True).start()
        return
    limit = pages * os.sysconf("SC_PAGE_SIZE") + megabytes * _MEGABYTE
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))


def peak_bytes() -> int:
    """Return the peak of the resident memory of this process."""
    # macOS counts in bytes; Linux and the BSDs in kilobytes.
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _watch(limit: int) -> None:
    while peak_bytes() <= limit:
        time.sleep(_CHECK_SECONDS)
    os._exit(EXIT_TOO_MUCH_MEMORY)
