"""Runs one child process under `leash.py` and passes on its output line by line."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, Self

LEASH: Final = Path(__file__).with_name("leash.py")
GRACE_SECONDS: Final = 6.0
"""Time for a service to end after SIGTERM. With the further steps of the leash, all processes end within 10 s."""

STOP_TIMEOUT_SECONDS: Final = 9.0
MAX_LINE_BYTES: Final = 1 << 20

type OnLine = Callable[[str], None]


class Process:
    """A command that runs until it ends, `stop` is called, or this process ends for any reason."""

    def __init__(self, leash: asyncio.subprocess.Process, on_line: OnLine) -> None:
        self._leash = leash
        self._reader = asyncio.create_task(self._read_lines(on_line))

    @classmethod
    async def start(cls, command: Sequence[str], environment: Mapping[str, str], on_line: OnLine) -> Self:
        """Start a command in its own session, so that the terminal's Ctrl-C reaches only the runner.

        Args:
            command: Program and arguments.
            environment: All environment variables of the command.
            on_line: Called with each line that the command or its children print.
        """
        leash = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", str(LEASH), str(GRACE_SECONDS), *command),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=environment,
            start_new_session=True,
            limit=MAX_LINE_BYTES,
        )
        return cls(leash, on_line)

    async def wait(self) -> int:
        """Wait for the end and return the exit status; 128 plus the number of the signal that ended it."""
        status = await self._leash.wait()
        # Read the last lines, which often state why it ended. A descendant may keep the pipe open, hence the timeout.
        await asyncio.wait([self._reader], timeout=1)
        return status

    async def stop(self) -> None:
        """End the command and all its descendants within STOP_TIMEOUT_SECONDS. Does nothing if it has ended."""
        if self._leash.returncode is None:
            assert self._leash.stdin is not None  # noqa: S101 - set to PIPE above
            self._leash.stdin.close()
            try:
                await asyncio.wait_for(self.wait(), STOP_TIMEOUT_SECONDS)
            except TimeoutError:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self._leash.pid, signal.SIGKILL)
        self._reader.cancel()
        await asyncio.wait([self._reader])

    async def _read_lines(self, on_line: OnLine) -> None:
        assert self._leash.stdout is not None  # noqa: S101 - set to PIPE above
        while True:
            try:
                line = await self._leash.stdout.readline()
            except ValueError:
                continue  # longer than MAX_LINE_BYTES: asyncio dropped the line
            if not line:
                return
            on_line(line.decode(errors="replace").rstrip("\r\n"))
