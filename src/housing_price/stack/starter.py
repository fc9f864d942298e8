"""Watches the program that started the runner, for programs that do not hand signals on.

GNU make hands SIGTERM on to its children but not SIGINT, and after either it only waits. So where `make up` alone is
interrupted, by `kill -INT` and not by a terminal, nobody tells the runner.
"""

import asyncio
import os
import signal
from pathlib import Path

LOOK_SECONDS = 0.5


def _status(pid: int) -> dict[str, str]:
    """What Linux tells about the process; empty where it is gone or the system does not tell."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return {}
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def _is_running(pid: int) -> bool:
    if _status(pid).get("State", "").startswith("Z"):
        return False  # it has ended, and nobody has looked yet
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _catches_interrupts(pid: int) -> bool:
    """Whether the process has a handler for SIGINT of its own."""
    return bool(int(_status(pid).get("SigCgt", "0"), 16) >> (signal.SIGINT - 1) & 1)


async def wait_for_end_of(pid: int) -> None:
    """Return when the process has ended, or when it was interrupted and only waits for its children.

    make resets its handler of a fatal signal when the first one comes, so a SIGINT that it no longer catches is one
    that it has received.
    """
    caught_at_first = _catches_interrupts(pid)
    while _is_running(pid):
        if caught_at_first and not _catches_interrupts(pid):
            return
        await asyncio.sleep(LOOK_SECONDS)
