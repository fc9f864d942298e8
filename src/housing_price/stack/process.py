"""One child process on its leash, with its lines handed on."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Self

LEASH = Path(__file__).with_name("leash.py")
GRACE_SECONDS = 6.0
"""How long a service may take to end by itself; with the leash's own steps everything is gone within 10 s."""

LEASH_SECONDS = 9.0
LINE_BYTES = 1 << 20

type OnLine = Callable[[str], None]


class Process:
    """A command that runs until it ends, until it is stopped, or until this process is gone, however it went."""

    def __init__(self, leash: asyncio.subprocess.Process, on_line: OnLine) -> None:
        self._leash = leash
        self._reader = asyncio.create_task(self._hand_on_lines(on_line))

    @classmethod
    async def start(cls, command: Sequence[str], environment: Mapping[str, str], on_line: OnLine) -> Self:
        """Start a command in a session of its own, so that the terminal's Ctrl-C reaches only the runner.

        Args:
            command: Program and arguments.
            environment: All environment variables of the command.
            on_line: Called with each line that the command, or what it starts, prints.
        """
        leash = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", str(LEASH), str(GRACE_SECONDS), *command),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=environment,
            start_new_session=True,
            limit=LINE_BYTES,
        )
        return cls(leash, on_line)

    async def wait(self) -> int:
        """Wait for the end; return the exit status, 128 and more for a signal."""
        status = await self._leash.wait()
        # What it printed last is often why it ended. A stray that keeps the pipe open must not keep us.
        await asyncio.wait([self._reader], timeout=1)
        return status

    async def stop(self) -> None:
        """End the command and everything it started, within LEASH_SECONDS; harmless when it has ended."""
        if self._leash.returncode is None:
            assert self._leash.stdin is not None  # noqa: S101 - it was asked for above
            self._leash.stdin.close()
            try:
                await asyncio.wait_for(self.wait(), LEASH_SECONDS)
            except TimeoutError:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self._leash.pid, signal.SIGKILL)
        self._reader.cancel()
        await asyncio.wait([self._reader])

    async def _hand_on_lines(self, on_line: OnLine) -> None:
        assert self._leash.stdout is not None  # noqa: S101 - it was asked for above
        while True:
            try:
                line = await self._leash.stdout.readline()
            except ValueError:
                continue  # longer than LINE_BYTES: asyncio has dropped it
            if not line:
                return
            on_line(line.decode(errors="replace").rstrip("\r\n"))
