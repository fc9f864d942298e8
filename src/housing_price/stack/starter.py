"""Watches the program that started the runner, because some programs do not forward signals.

GNU make forwards SIGTERM to its children but not SIGINT, and then only waits for them. `kill -INT` of `make up` would
therefore not reach the runner; Ctrl-C in a terminal reaches both.
"""

import asyncio
import os
import signal
from pathlib import Path
from typing import Final

POLL_SECONDS: Final = 0.5


def _status(pid: int) -> dict[str, str]:
    """Return the fields of `/proc/PID/status`; empty if the process has ended or the system has no `/proc`."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return {}
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def _is_running(pid: int) -> bool:
    if _status(pid).get("State", "").startswith("Z"):
        return False  # a zombie: it has ended, and its parent has not collected it yet
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _catches_interrupts(pid: int) -> bool:
    """Return whether the process has its own handler for SIGINT."""
    return bool(int(_status(pid).get("SigCgt", "0"), 16) >> (signal.SIGINT - 1) & 1)


async def wait_for_end_of(pid: int) -> None:
    """Return when the process has ended, or was interrupted and only waits for its children.

    make removes its handler for a fatal signal on the first one. If it no longer catches SIGINT, it has received one.
    """
    caught_at_start = _catches_interrupts(pid)
    while _is_running(pid):
        if caught_at_start and not _catches_interrupts(pid):
            return
        await asyncio.sleep(POLL_SECONDS)
