"""A TCP proxy in front of a database that can go silent: it keeps all connections open and passes nothing on."""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Final, Self

READ_BYTES: Final = 64 * 1024
START_SECONDS: Final = 10.0


class SilentProxy:
    """Listens on a free port and passes bytes to the socket of a server, until it goes silent.

    Silence is what a client sees of a frozen host, a dropped route or a failover: no reset, no end, no answer. The
    kernel of this machine goes on acknowledging, so TCP keepalives notice nothing.
    """

    def __init__(self, server: Path) -> None:
        """Pass connections on to the Unix socket `server`."""
        self._server = server
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="silent-proxy", daemon=True)
        self._open: set[asyncio.Event] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_silent_for_new = False
        self.port = 0

    def __enter__(self) -> Self:
        """Start listening."""
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(START_SECONDS)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close all connections."""
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(START_SECONDS)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(START_SECONDS)
        self._loop.close()

    def go_silent(self, *, accepts_new: bool = False) -> None:
        """Pass nothing on any more, on connections that are open now; `accepts_new`: new ones work (a failover)."""
        self._call(lambda: self._silence(accepts_new=accepts_new))

    def resume(self) -> None:
        """Pass everything on again, also what has waited."""
        self._call(self._end_silence)

    def _call(self, function: Callable[[], None]) -> None:
        done = threading.Event()

        def run() -> None:
            function()
            done.set()

        self._loop.call_soon_threadsafe(run)
        done.wait(START_SECONDS)

    def _silence(self, *, accepts_new: bool) -> None:
        self._is_silent_for_new = not accepts_new
        for flows in self._open:
            flows.clear()

    def _end_silence(self) -> None:
        self._is_silent_for_new = False
        for flows in self._open:
            flows.set()

    async def _listen(self) -> None:
        self._listener = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._listener.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        self._listener.close()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - runs in a task
        self._tasks.add(task)
        flows = asyncio.Event()
        if not self._is_silent_for_new:
            flows.set()
        self._open.add(flows)
        try:
            await flows.wait()
            server, to_server = await asyncio.open_unix_connection(self._server)
            try:
                pumps = [
                    asyncio.ensure_future(_pump(*ends, flows)) for ends in ((client, to_server), (server, to_client))
                ]
                await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
                for pump in pumps:
                    pump.cancel()
                await asyncio.gather(*pumps, return_exceptions=True)
            finally:
                to_server.close()
        except (OSError, asyncio.CancelledError):
            pass  # the server is not there, or the proxy ends
        finally:
            self._open.discard(flows)
            self._tasks.discard(task)
            to_client.close()


async def _pump(source: asyncio.StreamReader, target: asyncio.StreamWriter, flows: asyncio.Event) -> None:
    with contextlib.suppress(OSError):
        while data := await source.read(READ_BYTES):
            await flows.wait()
            target.write(data)
            await target.drain()
        # An end is not passed on while the proxy is silent either.
        await flows.wait()
