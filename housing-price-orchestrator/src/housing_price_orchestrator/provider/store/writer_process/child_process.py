"""A child process that answers commands over its pipes, with a deadline: a stopped one neither reads nor answers."""

import contextlib
import os
import select
import subprocess
import time
from collections.abc import Callable, Sequence
from typing import IO, Final

EXIT_SECONDS: Final = 5.0
"""Time for the process to exit after its input is closed; it finishes its command first."""

KILL_SECONDS: Final = 1.0
"""Time for a killed process to end; it takes longer only if it hangs in a system call."""

SILENCE_INTERVAL_SECONDS: Final = 1.0
"""Interval between reports of a silence."""

_READ_BYTES: Final = 64 * 1024


class ProcessEnded(Exception):
    """The process has ended, or was killed because it did not answer; the message says which."""


class ChildProcess:
    """A process that answers each command with one line. Use from one thread at a time, except `kill`."""

    def __init__(self, command: Sequence[str]) -> None:
        """Start the process.

        Raises:
            OSError: it cannot be started.
        """
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)  # noqa: S603 - our own program
        assert self._process.stdin is not None and self._process.stdout is not None  # noqa: S101, PT018 - both are pipes
        self._pipes = self._process.stdin, self._process.stdout
        for pipe in self._pipes:
            os.set_blocking(pipe.fileno(), False)

    def ask(
        self,
        command: Sequence[bytes | bytearray],
        *,
        seconds: float,
        silence_seconds: float,
        on_silence: Callable[[], object],
    ) -> bytes:
        """Send a command and return the answer.

        Args:
            command: The parts of the command.
            seconds: Time for the answer; a process that does not answer in time is killed.
            silence_seconds: Time after which `on_silence` is called, and again every second, while there is no answer.
            on_silence: See `silence_seconds`.

        Raises:
            ProcessEnded: there is no answer.
        """
        wait = _Wait(seconds, silence_seconds, on_silence)
        try:
            for part in command:
                self._send(memoryview(part), wait)
            return self._read_line(wait)
        except TimeoutError as error:
            self.kill()
            raise ProcessEnded(f"the writer process did not answer within {seconds:g} s and was killed") from error
        except (OSError, EOFError) as error:
            self.close()
            raise ProcessEnded(f"the writer process ended with status {self._process.returncode}") from error

    def close(self) -> None:
        """Close the input and wait until the process has ended; kill it if that takes too long."""
        stdin, _ = self._pipes
        _close(stdin)
        try:
            self._process.wait(EXIT_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """Kill the process; a call in another thread then fails."""
        self._process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(KILL_SECONDS)

    def close_pipes(self) -> None:
        """Close the pipes of a process that has ended."""
        for pipe in self._pipes:
            _close(pipe)

    def _send(self, left: memoryview, wait: "_Wait") -> None:
        stdin, _ = self._pipes
        while left:
            wait.until_ready(stdin, select.POLLOUT)
            with contextlib.suppress(BlockingIOError):
                left = left[os.write(stdin.fileno(), left) :]

    def _read_line(self, wait: "_Wait") -> bytes:
        _, stdout = self._pipes
        line = bytearray()
        while not line.endswith(b"\n"):
            wait.until_ready(stdout, select.POLLIN)
            with contextlib.suppress(BlockingIOError):
                read = os.read(stdout.fileno(), _READ_BYTES)
                if not read:
                    raise EOFError
                line += read
        return bytes(line)


class _Wait:
    """The time of one command."""

    def __init__(self, seconds: float, silence_seconds: float, on_silence: Callable[[], object]) -> None:
        now = time.monotonic()
        self._deadline = now + seconds
        self._silent_at = now + silence_seconds
        self._on_silence = on_silence

    def until_ready(self, pipe: IO[bytes], event: int) -> None:
        """Wait until a pipe can be used.

        Raises:
            TimeoutError: the time is over.
        """
        poll = select.poll()
        poll.register(pipe.fileno(), event)
        while True:
            now = time.monotonic()
            if poll.poll(max(0.0, min(self._deadline, self._silent_at) - now) * 1000):
                return
            now = time.monotonic()
            if now >= self._deadline:
                raise TimeoutError
            if now >= self._silent_at:
                self._silent_at = now + SILENCE_INTERVAL_SECONDS
                self._on_silence()


def _close(pipe: IO[bytes]) -> None:
    # Unread input is lost with the process.
    with contextlib.suppress(OSError):
        pipe.close()
