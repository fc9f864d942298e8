"""Runs a command and ends its whole process tree when the parent goes away: `leash.py GRACE_SECONDS COMMAND...`.

The leash ends when its command ends, when it receives a signal, or when its standard input closes. The input also
closes when the parent is killed with SIGKILL. In each case the leash ends every process that the command started, in
any session. It is a separate program without imports from this package, so it starts in 20 ms and outlives its parent.
"""

import contextlib
import ctypes
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

PR_SET_PDEATHSIG: Final = 1
PR_SET_CHILD_SUBREAPER: Final = 36
"""From <linux/prctl.h>."""

DESCENDANTS_GRACE_SECONDS: Final = 1.0
KILL_SECONDS: Final = 1.0
NOT_STARTED: Final = 127
"""Exit status of a shell for a command that it cannot find."""


def _prctl(option: int, value: int) -> None:
    """Set a property of this process on Linux. On other systems only the process group is signalled."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


def _descendants() -> Iterator[int]:
    """Yield the id of every descendant. This process is the subreaper, so orphans stay in its tree."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            # The second field is the command's name in parentheses, with any characters: parse after the last `)`.
            parent = int(stat.read_bytes().rpartition(b")")[2].split()[1])
        except (OSError, IndexError):
            continue  # it ended in the meantime
        children.setdefault(parent, []).append(int(stat.parent.name))
    generation = children.get(os.getpid(), [])
    while generation:
        yield from generation
        generation = [child for pid in generation for child in children.get(pid, [])]


class Leash:
    """One command and every process that it starts."""

    def __init__(self, command: list[str]) -> None:
        self._wake, wake_write = os.pipe()
        os.set_blocking(self._wake, False)
        os.set_blocking(wake_write, False)
        signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
        for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda *_: None)
        _prctl(PR_SET_CHILD_SUBREAPER, 1)
        self._service = subprocess.Popen(  # noqa: S603 - the purpose of this program is to run the given command
            command,
            stdin=subprocess.DEVNULL,
            process_group=0,
            # The command also ends when the leash itself is killed with SIGKILL.
            preexec_fn=lambda: _prctl(PR_SET_PDEATHSIG, signal.SIGKILL),  # noqa: PLW1509 - this program has no threads
        )
        self.status: int | None = None

    def wait(self) -> None:
        """Return when the command has ended, the standard input was closed, or a signal came."""
        while self.status is None and not self._wait_for_stop():
            self._reap()

    def end(self, grace_seconds: float) -> None:
        """Send SIGTERM to the command, then to remaining descendants, then SIGKILL to all of them."""
        if self.status is None:
            self._signal(signal.SIGTERM, [])
            self._reap_until(lambda: self.status is not None, grace_seconds)
        if self._reap():
            self._signal(signal.SIGTERM, list(_descendants()))
            self._reap_until(lambda: not self._reap(), DESCENDANTS_GRACE_SECONDS)
        deadline = time.monotonic() + KILL_SECONDS
        while self._reap() and time.monotonic() < deadline:
            self._signal(signal.SIGKILL, list(_descendants()))
            self._sleep(0.05)

    def _wait_for_stop(self) -> bool:
        """Wait for the next event; return True if it asks this program to stop, False if a child ended."""
        readable, _, _ = select.select([0, self._wake], [], [])
        if 0 in readable and not os.read(0, 1024):
            return True
        received = os.read(self._wake, 1024) if self._wake in readable else b""
        return any(number != signal.SIGCHLD for number in received)

    def _reap(self) -> bool:
        """Collect children that have ended; return whether any is still running."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return False
            if pid == 0:
                return True
            if pid == self._service.pid:
                self.status = self._service.returncode = os.waitstatus_to_exitcode(status)

    def _reap_until(self, done: Callable[[], bool], seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while self._reap() and not done() and (left := deadline - time.monotonic()) > 0:
            self._sleep(left)

    def _sleep(self, seconds: float) -> None:
        """Sleep until a signal comes, for `seconds` (at most 0.5) otherwise."""
        if select.select([self._wake], [], [], min(seconds, 0.5))[0]:
            os.read(self._wake, 1024)

    def _signal(self, number: int, descendants: list[int]) -> None:
        for send, target in [(os.killpg, self._service.pid), *((os.kill, pid) for pid in descendants)]:
            try:
                send(target, number)
            except (ProcessLookupError, PermissionError):
                continue  # it has ended, or runs as another user


def main(arguments: list[str]) -> int:
    """Run the command; return its exit status, or 128 plus the signal's number like a shell."""
    grace_seconds, command = float(arguments[0]), arguments[1:]
    try:
        leash = Leash(command)
    except OSError as error:
        with contextlib.suppress(OSError):
            print(f"cannot start {command[0]}: {error.strerror}", file=sys.stderr)  # noqa: T201 - shown in the log of the service
        return NOT_STARTED
    leash.wait()
    leash.end(grace_seconds)
    status = leash.status if leash.status is not None else -signal.SIGKILL
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
