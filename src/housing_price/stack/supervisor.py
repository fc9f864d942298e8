"""Keeps one service running: starts it, tells when it is ready, starts it again when it dies."""

import asyncio
import contextlib
import signal
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

import httpx

from housing_price.errors import StackError
from housing_price.stack.output import Output
from housing_price.stack.process import Process

POLL_SECONDS = 0.1
POLL_TIMEOUT_SECONDS = 2.0
DEATHS_BEFORE_GIVING_UP = 3
"""So often may a service die before it was ready once; after that it is its settings, not bad luck."""


@dataclass(frozen=True)
class BackOff:
    """How long to wait before the next start: doubled with each death, forgotten once a service has been up a while."""

    first_seconds: float = 0.5
    longest_seconds: float = 30.0
    forgotten_after_seconds: float = 60.0

    def seconds(self, deaths_in_a_row: int) -> float:
        """The pause after so many deaths (1 or more) without a good while between them."""
        return min(self.first_seconds * 2.0 ** min(deaths_in_a_row - 1, 16), self.longest_seconds)


@dataclass(frozen=True)
class Service:
    """What there is to know about running a service.

    Attributes:
        name: How log lines and messages call it.
        command: What to run.
        environment: All its environment variables.
        ready_url: Answers 2xx when the service does its work; None for one that does not listen.
        ready_line: What it prints when it does its work, for one that does not listen.
        style: The colour of its name on a terminal.
        ready_within_seconds: How long it may take to become ready for the first time.
    """

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(repr=False)
    ready_url: str | None = None
    ready_line: str | None = None
    style: str = ""
    ready_within_seconds: float = 120.0


def describe_status(status: int) -> str:
    """An exit status in words: `exit status 3`, or `signal SIGKILL`."""
    if status > 128:  # noqa: PLR2004 - the shell's convention, which the leash follows
        with contextlib.suppress(ValueError):
            return f"signal {signal.Signals(status - 128).name}"
    return f"exit status {status}"


class Supervisor:
    """Runs one service until it is cancelled."""

    def __init__(self, service: Service, output: Output, client: httpx.AsyncClient, back_off: BackOff) -> None:
        self.service = service
        self._output = output
        self._client = client
        self._back_off = back_off
        self._restart = asyncio.Event()
        self._changed = asyncio.Condition()
        self._ready = False
        self._said_ready = asyncio.Event()
        self.deaths_before_ready = 0
        self._last_lines: deque[str] = deque(maxlen=3)

    async def run(self) -> None:
        """Start the service, again and again; when cancelled, end it with everything that it started."""
        deaths_in_a_row = 0
        while True:
            started = time.monotonic()
            status = await self._run_once(started)
            if status is None:
                await self._set(ready=False, deaths=0)
                self._output.say(f"{self.service.name}: starting anew")
                deaths_in_a_row = 0
                continue
            lived = time.monotonic() - started
            deaths_in_a_row = 1 if lived > self._back_off.forgotten_after_seconds else deaths_in_a_row + 1
            pause = self._back_off.seconds(deaths_in_a_row)
            how = describe_status(status)
            self._output.say(
                f"{self.service.name}: ended with {how} after {lived:.1f} s, starts again in {pause:g} s", "red"
            )
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._restart.wait(), pause)

    async def restart(self) -> None:
        """End the service and start it anew at once; returns without waiting for either."""
        await self._set(ready=False, deaths=0)
        self._restart.set()

    async def wait_until_ready(self) -> None:
        """Wait until the service is ready.

        Raises:
            StackError: It died too often or took too long.
        """
        try:
            async with asyncio.timeout(self.service.ready_within_seconds), self._changed:
                await self._changed.wait_for(lambda: self._ready or self.has_failed)
        except TimeoutError as error:
            seconds = self.service.ready_within_seconds
            raise StackError(f"the {self.service.name} was not ready within {seconds:g} s: {self.said()}") from error
        if not self._ready:
            raise StackError(
                f"the {self.service.name} died {self.deaths_before_ready} times while starting: {self.said()}"
            )

    @property
    def is_ready(self) -> bool:
        """Whether it does its work at the moment."""
        return self._ready

    @property
    def has_failed(self) -> bool:
        """Whether it died so often before it was ready that it is not bad luck; it is started again all the same."""
        return self.deaths_before_ready >= DEATHS_BEFORE_GIVING_UP

    def said(self) -> str:
        """Its last words."""
        return "it said\n  " + "\n  ".join(self._last_lines) if self._last_lines else "it said nothing"

    async def _run_once(self, started: float) -> int | None:
        """Run the service to its end and return its exit status; None if it was ended for a restart."""
        self._restart.clear()
        self._said_ready.clear()
        process = await Process.start(self.service.command, self.service.environment, self._line)
        exit_ = asyncio.create_task(process.wait())
        restart = asyncio.create_task(self._restart.wait())
        readiness = asyncio.create_task(self._watch_readiness(started))
        try:
            await asyncio.wait([exit_, restart], return_when=asyncio.FIRST_COMPLETED)
            if not exit_.done():
                return None
            await self._set(ready=False, deaths=0 if self._ready else self.deaths_before_ready + 1)
            return exit_.result()
        finally:
            readiness.cancel()
            restart.cancel()
            await process.stop()
            exit_.cancel()

    async def _watch_readiness(self, started: float) -> None:
        if self.service.ready_url is None:
            await self._said_ready.wait()
        else:
            await self._wait_for_answer(self.service.ready_url)
        self._output.say(f"{self.service.name}: ready after {time.monotonic() - started:.1f} s", "green")
        await self._set(ready=True, deaths=0)

    async def _wait_for_answer(self, url: str) -> None:
        while True:
            try:
                answer = await self._client.get(url, timeout=POLL_TIMEOUT_SECONDS)
                if answer.is_success:
                    return
            except httpx.HTTPError:
                pass  # not listening yet
            await asyncio.sleep(POLL_SECONDS)

    async def _set(self, *, ready: bool, deaths: int) -> None:
        async with self._changed:
            self._ready = ready
            self.deaths_before_ready = deaths
            self._changed.notify_all()

    def _line(self, text: str) -> None:
        self._last_lines.append(text)
        self._output.line(self.service.name, text, self.service.style)
        if self.service.ready_line is None or self.service.ready_line in text:
            self._said_ready.set()
