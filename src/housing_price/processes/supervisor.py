"""Keeps one service running: starts it, waits until it is ready, restarts it when it exits."""

import asyncio
import contextlib
import signal
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import httpx

from housing_price.errors import ConfigurationError, StackError
from housing_price.processes.output import Output
from housing_price.processes.process import Process

POLL_SECONDS: Final = 0.1
POLL_TIMEOUT_SECONDS: Final = 2.0
MAX_FAILED_STARTS: Final = 3
"""Exits before readiness after which the service counts as failed."""
INVALID_CONFIGURATION: Final = 2
"""Exit status of every command of this project for an invalid setting or option."""
MAX_LAST_LINES: Final = 3
MAX_MESSAGE_LINES: Final = 20
"""Lines of the message about an invalid configuration that are repeated."""


@dataclass(frozen=True)
class BackOff:
    """Delay before a restart: doubles with each exit, and resets after a service has run for a while."""

    first_seconds: float = 0.5
    max_seconds: float = 30.0
    reset_after_seconds: float = 60.0

    def seconds(self, consecutive_exits: int) -> float:
        """Return the delay after `consecutive_exits` (1 or more) short runs."""
        return min(self.first_seconds * 2.0 ** min(consecutive_exits - 1, 16), self.max_seconds)


@dataclass(frozen=True)
class Service:
    """The command of a service, and the check that it is ready."""

    name: str
    """Name in log lines and messages."""
    command: tuple[str, ...]
    """Program and arguments."""
    environment: Mapping[str, str] = field(repr=False)
    """All environment variables of the command."""
    ready_url: str | None = None
    """URL that answers 2xx when the service is ready; None for a service that does not listen."""
    ready_line: str | None = None
    """Text that a service without `ready_url` prints when it is ready."""
    style: str = ""
    """Colour of the name on a terminal."""
    ready_within_seconds: float = 120.0
    """Time limit for the first readiness."""
    retries_status_2: bool = False
    """Whether a start that ends with status 2 may succeed later. For most services this status means that their
    configuration is invalid."""


def describe_status(status: int) -> str:
    """Describe an exit status: `exit status 3`, or `signal SIGKILL`."""
    if status > 128:  # noqa: PLR2004 - the shell's convention for signals, also used by the leash
        with contextlib.suppress(ValueError):
            return f"signal {signal.Signals(status - 128).name}"
    return f"exit status {status}"


class Supervisor:
    """Runs one service until its `run` is cancelled."""

    def __init__(self, service: Service, output: Output, client: httpx.AsyncClient, back_off: BackOff) -> None:
        self.service = service
        self._output = output
        self._client = client
        self._back_off = back_off
        self._changed = asyncio.Condition()
        self._ready = self._was_ever_ready = False
        self._ready_line_seen = asyncio.Event()
        self.failed_starts = 0
        self._is_misconfigured = False
        self._last_lines: deque[str] = deque(maxlen=MAX_MESSAGE_LINES)

    async def run(self) -> None:
        """Start the service and restart it whenever it exits; when cancelled, end it with all its descendants.

        A service that rejects its configuration at its first start is not started again.
        """
        consecutive_exits = 0
        while True:
            started = time.monotonic()
            status = await self._run_once(started)
            seconds_up = time.monotonic() - started
            if self._is_misconfigured:
                self._output.say(f"{self.service.name}: its configuration is invalid", "red")
                await asyncio.Event().wait()
            consecutive_exits = 1 if seconds_up > self._back_off.reset_after_seconds else consecutive_exits + 1
            delay = self._back_off.seconds(consecutive_exits)
            cause = describe_status(status)
            self._output.say(
                f"{self.service.name}: ended with {cause} after {seconds_up:.1f} s, restarting in {delay:g} s", "red"
            )
            await asyncio.sleep(delay)

    async def wait_until_ready(self) -> None:
        """Wait until the service is ready.

        Raises:
            ConfigurationError: It rejects its configuration.
            StackError: It failed to start too often, or took too long.
        """
        try:
            async with asyncio.timeout(self.service.ready_within_seconds), self._changed:
                await self._changed.wait_for(lambda: self._ready or self.has_failed)
        except TimeoutError as error:
            seconds = self.service.ready_within_seconds
            raise StackError(
                f"the {self.service.name} was not ready within {seconds:g} s. {self.last_output()}"
            ) from error
        if self._is_misconfigured:
            message = "\n  ".join(self._last_lines) or "it printed no reason"
            raise ConfigurationError(
                f"the {self.service.name} failed to start {self.failed_starts} times: its configuration is invalid.\n"
                f"  {message}"
            )
        if not self._ready:
            raise StackError(
                f"the {self.service.name} failed to start {self.failed_starts} times. {self.last_output()}"
            )

    @property
    def is_ready(self) -> bool:
        """Whether the service is ready now."""
        return self._ready

    @property
    def has_failed(self) -> bool:
        """Whether the service exited MAX_FAILED_STARTS times before it was ready, or rejects its configuration."""
        return self._is_misconfigured or self.failed_starts >= MAX_FAILED_STARTS

    def last_output(self) -> str:
        """Return the last lines that the service printed, with an introduction."""
        lines = list(self._last_lines)[-MAX_LAST_LINES:]
        return "Last output:\n  " + "\n  ".join(lines) if lines else "It printed nothing."

    async def _run_once(self, started: float) -> int:
        """Run the service once and return its exit status."""
        self._ready_line_seen.clear()
        process = await Process.start(self.service.command, self.service.environment, self._on_line)
        readiness = asyncio.create_task(self._watch_readiness(started))
        try:
            status = await process.wait()
            can_retry = self._was_ever_ready or self.service.retries_status_2
            self._is_misconfigured = status == INVALID_CONFIGURATION and not can_retry
            await self._set(ready=False, failed_starts=0 if self._ready else self.failed_starts + 1)
            return status
        finally:
            readiness.cancel()
            await process.stop()

    async def _watch_readiness(self, started: float) -> None:
        if self.service.ready_url is None:
            await self._ready_line_seen.wait()
        else:
            await self._poll_until_success(self.service.ready_url)
        self._output.say(f"{self.service.name}: ready after {time.monotonic() - started:.1f} s", "green")
        await self._set(ready=True, failed_starts=0)

    async def _poll_until_success(self, url: str) -> None:
        while True:
            try:
                answer = await self._client.get(url, timeout=POLL_TIMEOUT_SECONDS)
                if answer.is_success:
                    return
            except httpx.HTTPError:
                pass  # not listening yet
            await asyncio.sleep(POLL_SECONDS)

    async def _set(self, *, ready: bool, failed_starts: int) -> None:
        async with self._changed:
            self._ready = ready
            self._was_ever_ready |= ready
            self.failed_starts = failed_starts
            self._changed.notify_all()

    def _on_line(self, text: str) -> None:
        self._last_lines.append(text)
        self._output.line(self.service.name, text, self.service.style)
        if self.service.ready_line is None or self.service.ready_line in text:
            self._ready_line_seen.set()
