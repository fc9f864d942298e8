"""Cancels the work for a request when its client disconnects."""

import asyncio
from collections.abc import Awaitable
from typing import Final

from starlette.requests import ClientDisconnect
from starlette.types import Receive

WATCH_DELAY_SECONDS: Final = 0.02
"""Delay before a watcher task starts. Nearly all requests finish earlier and are spared its cost."""


class _DisconnectWatch:
    """Waits for the client to disconnect, and then cancels the task that created the watch."""

    __slots__ = ("_receive", "_watcher", "_worker", "is_disconnected")

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._worker = asyncio.current_task()
        self._watcher: asyncio.Task[None] | None = None
        self.is_disconnected = False

    def start(self) -> None:
        self._watcher = asyncio.get_running_loop().create_task(self._watch())

    def stop(self) -> None:
        if self._watcher is not None:
            self._watcher.cancel()
            # Breaks a reference cycle: a cancelled task keeps its frames, and with them this object. Collecting many
            # such cycles at once would block the event loop.
            self._watcher = None

    async def _watch(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self.is_disconnected = True
        if self._worker is not None:
            self._worker.cancel()


async def cancel_on_disconnect[T](receive: Receive, work: Awaitable[T]) -> T:
    """Await `work`, and cancel it if the client disconnects.

    Args:
        receive: The ASGI receive channel of the request.
        work: The coroutine, task or future to await.

    Raises:
        ClientDisconnect: The client disconnected; `work` was cancelled.
    """
    watch = _DisconnectWatch(receive)
    timer = asyncio.get_running_loop().call_later(WATCH_DELAY_SECONDS, watch.start)
    try:
        return await work
    except asyncio.CancelledError:
        # Only a cancellation by the watch becomes a ClientDisconnect; any other one is passed on.
        worker = asyncio.current_task()
        if worker is not None and watch.is_disconnected:
            worker.uncancel()
            raise ClientDisconnect from None
        raise
    finally:
        timer.cancel()
        watch.stop()
