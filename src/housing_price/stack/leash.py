"""Runs one command on a leash: `leash.py GRACE_SECONDS COMMAND...`.

The leash ends when its command ends or when its standard input closes, which it also does when the process at the
other end is killed with -9. Either way it takes along everything that the command started, in whatever session that
hides. It is a program of its own, without imports from this package: it starts in 20 ms and survives its starter.
"""

import ctypes
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
"""From <linux/prctl.h>."""

STRAYS_GRACE_SECONDS = 1.0
KILL_SECONDS = 1.0
NOT_STARTED = 127
"""What a shell answers for a command that cannot be found."""


def _prctl(option: int, value: int) -> None:
    """Ask Linux for a property of this process; elsewhere there is no such thing and the process group has to do."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


def _descendants() -> Iterator[int]:
    """Every process below this one. Orphans come back to us, the subreaper, so the tree has no holes."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            # The second field is the command's name in brackets and may hold anything, so the rest is read behind it.
            parent = int(stat.read_bytes().rpartition(b")")[2].split()[1])
        except (OSError, IndexError):
            continue  # it ended while we looked
        children.setdefault(parent, []).append(int(stat.parent.name))
    generation = children.get(os.getpid(), [])
    while generation:
        yield from generation
        generation = [child for pid in generation for child in children.get(pid, [])]


class Leash:
    """One command and all that it starts."""

    def __init__(self, command: list[str]) -> None:
        self._wake, wake_write = os.pipe()
        os.set_blocking(self._wake, False)
        os.set_blocking(wake_write, False)
        signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
        for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda *_: None)
        _prctl(PR_SET_CHILD_SUBREAPER, 1)
        self._service = subprocess.Popen(  # noqa: S603 - running the given command is what this program is for
            command,
            stdin=subprocess.DEVNULL,
            process_group=0,
            # Should somebody kill the leash itself with -9, the service does not stay behind.
            preexec_fn=lambda: _prctl(PR_SET_PDEATHSIG, signal.SIGKILL),  # noqa: PLW1509 - there are no threads here
        )
        self.status: int | None = None

    def wait(self) -> None:
        """Return when the service has ended or the leash was let go."""
        while self.status is None and not self._is_let_go():
            self._reap()

    def end(self, grace_seconds: float) -> None:
        """Ask the service to end, then its strays, then ask nobody any more."""
        if self.status is None:
            self._signal(signal.SIGTERM, [])
            self._reap_until(lambda: self.status is not None, grace_seconds)
        if self._reap():
            self._signal(signal.SIGTERM, list(_descendants()))
            self._reap_until(lambda: not self._reap(), STRAYS_GRACE_SECONDS)
        deadline = time.monotonic() + KILL_SECONDS
        while self._reap() and time.monotonic() < deadline:
            self._signal(signal.SIGKILL, list(_descendants()))
            self._sleep(0.05)

    def _is_let_go(self) -> bool:
        readable, _, _ = select.select([0, self._wake], [], [])
        if 0 in readable and not os.read(0, 1024):
            return True
        received = os.read(self._wake, 1024) if self._wake in readable else b""
        return any(number != signal.SIGCHLD for number in received)

    def _reap(self) -> bool:
        """Collect what has ended; tell whether anything is left."""
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
        """Sleep until a child ends, or so long."""
        if select.select([self._wake], [], [], min(seconds, 0.5))[0]:
            os.read(self._wake, 1024)

    def _signal(self, number: int, strays: list[int]) -> None:
        for send, target in [(os.killpg, self._service.pid), *((os.kill, pid) for pid in strays)]:
            try:
                send(target, number)
            except (ProcessLookupError, PermissionError):
                continue  # it is gone, or was given other rights


def main(arguments: list[str]) -> int:
    """Run the command; return its exit status, or 128 and the signal's number as a shell does."""
    grace_seconds, command = float(arguments[0]), arguments[1:]
    try:
        leash = Leash(command)
    except OSError as error:
        print(f"cannot start {command[0]}: {error.strerror}", file=sys.stderr)  # noqa: T201 - the service's log
        return NOT_STARTED
    leash.wait()
    leash.end(grace_seconds)
    status = leash.status if leash.status is not None else -signal.SIGKILL
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
