"""Stops working for callers who have gone."""

import asyncio
from collections.abc import Awaitable

from starlette.requests import ClientDisconnect
from starlette.types import Receive

from housing_price_orchestrator.shared.timers import Timers

WATCH_DELAY_SECONDS = 0.02
"""Nearly every request is answered before, and is spared the cost of a watcher; the others are worth one."""


class _DisconnectWatch:
    """Looks out for the end of a connection, and then ends the work that is done for it."""

    __slots__ = ("_receive", "_watcher", "_worker", "is_disconnected")

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._worker = asyncio.current_task()
        self._watcher: asyncio.Task[None] | None = None
        self.is_disconnected = False

    def begin(self) -> None:
        self._watcher = asyncio.get_running_loop().create_task(self._watch())

    def end(self) -> None:
        if self._watcher is not None:
            self._watcher.cancel()
            # A cancelled task keeps the frames that it was cancelled in, and with them this one: a circle, and whoever
            # clears many of those away at once holds all requests up.
            self._watcher = None

    async def _watch(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self.is_disconnected = True
        if self._worker is not None:
            self._worker.cancel()


async def cancel_on_disconnect[T](receive: Receive, work: Awaitable[T], timers: Timers) -> T:
    """Await `work`, and cancel it when the connection that `receive` belongs to is closed; `timers` are for that.

    Raises:
        ClientDisconnect: the caller has gone; the work is cancelled.
    """
    watch = _DisconnectWatch(receive)
    timer = timers.call_later(WATCH_DELAY_SECONDS, watch.begin)
    try:
        return await work
    except asyncio.CancelledError:
        # Any other cancellation is not ours to swallow.
        worker = asyncio.current_task()
        if worker is not None and watch.is_disconnected:
            worker.uncancel()
            raise ClientDisconnect from None
        raise
    finally:
        timer.cancel()
        watch.end()
