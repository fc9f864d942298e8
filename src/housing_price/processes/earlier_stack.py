"""Processes of an earlier stack whose runner was killed: they end on their own, which takes some seconds."""

import asyncio
import contextlib
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from housing_price.processes.output import Output
from housing_price.processes.ports import Address, require_free
from housing_price.processes.process import LEASH

WAIT_SECONDS: Final = 15.0
"""More than a leash needs to end its service: GRACE_SECONDS and the further steps take 10 s."""
POLL_SECONDS: Final = 0.1
_MAX_COMMAND_CHARACTERS: Final = 120
_LISTENING: Final = "0A"
"""The state of a listening socket in /proc/net/tcp."""


async def wait_for_earlier_stack(addresses: Sequence[Address], output: Output) -> None:
    """Wait until the ports are free and the processes of killed runners have ended, for up to `WAIT_SECONDS`.

    Raises:
        StackError: Two services share a port, or a port stays in use; the message names the process that uses it.
    """
    deadline = time.monotonic() + WAIT_SECONDS
    is_waiting = False
    while (leashes := await asyncio.to_thread(_abandoned_leashes)) and time.monotonic() < deadline:
        if not is_waiting:
            is_waiting = True
            names = ", ".join(map(_describe, leashes))
            output.say(f"waiting for the processes of an earlier stack to end, its runner was killed: {names}")
        await asyncio.sleep(POLL_SECONDS)
    require_free(addresses, lambda address: describe_listener(address.port))


def describe_listener(port: int) -> str | None:
    """Return the process id and the command of the process that listens on a port; None if it cannot be found."""
    sockets = {f"socket:[{inode}]" for inode in _listening_sockets(port)}
    if not sockets:
        return None
    for process in _processes():
        if sockets & _open_files(process):
            return _describe(process)
    return None


def _describe(process: Path) -> str:
    command = _command(process)
    if str(LEASH) in command:
        command = command[command.index(str(LEASH)) + 2 :]  # the command of its service
    return f"process {process.name} ({' '.join(command)[:_MAX_COMMAND_CHARACTERS]})"


def _abandoned_leashes() -> list[Path]:
    """Return the leashes whose runner has gone: nobody holds the other end of their standard input."""
    leashes = [process for process in _processes() if str(LEASH) in _command(process)]
    return [process for process in leashes if not _has_runner(process)]


def _has_runner(leash: Path) -> bool:
    try:
        pipe = str((leash / "fd" / "0").readlink())
        parent = (leash / "stat").read_bytes().rpartition(b")")[2].split()[1].decode()
    except (OSError, IndexError):
        return True  # it has just ended, or belongs to another user
    if parent == str(os.getpid()):
        return True
    return pipe in _open_files(leash.parent / parent)


def _listening_sockets(port: int) -> Iterator[str]:
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            lines = Path(table).read_text().splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            fields = line.split()
            if fields[3] == _LISTENING and int(fields[1].rpartition(":")[2], 16) == port:
                yield fields[9]


def _processes() -> Iterator[Path]:
    """Yield the folder in /proc of each process; none on systems without /proc."""
    yield from Path("/proc").glob("[0-9]*")


def _command(process: Path) -> list[str]:
    try:
        return (process / "cmdline").read_bytes().decode(errors="replace").split("\0")[:-1]
    except OSError:
        return []


def _open_files(process: Path) -> set[str]:
    """Return what the descriptors of a process lead to, such as `pipe:[4711]`; empty if it is another user's."""
    found = set()
    with contextlib.suppress(OSError):
        for descriptor in (process / "fd").iterdir():
            with contextlib.suppress(OSError):  # closed in the meantime
                found.add(str(descriptor.readlink()))
    return found
