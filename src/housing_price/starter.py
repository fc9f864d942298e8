"""Watches the program that started the runner, for programs that do not hand signals on.

GNU make hands SIGTERM on to its children but not SIGINT, and after either it only waits. So where `make up` alone is
interrupted, by `kill -INT` and not by a terminal, nobody tells the runner.
"""

import asyncio
import os
import signal
from pathlib import Path

LOOK_SECONDS = 0.5


def _catches_interrupts(pid: int) -> bool | None:
    """Whether the process would act on SIGINT itself; None where the system does not tell."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return None
    mask = next((line.split()[1] for line in lines if line.startswith("SigCgt:")), None)
    return mask is not None and bool(int(mask, 16) >> (signal.SIGINT - 1) & 1)


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


async def wait_for_end_of(pid: int) -> None:
    """Return when the process has ended, or when it was interrupted and only waits for its children.

    make resets its handler of a fatal signal when the first one comes, so a SIGINT that it no longer catches is one
    that it has received.
    """
    caught_at_first = _catches_interrupts(pid)
    while _is_running(pid):
        if caught_at_first and _catches_interrupts(pid) is False:
            return
        await asyncio.sleep(LOOK_SECONDS)
