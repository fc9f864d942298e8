"""Stops working for callers who have gone."""

import asyncio
from collections.abc import Awaitable

from starlette.requests import ClientDisconnect
from starlette.types import Receive

from housing_price_orchestrator.shared.timers import Timers

WATCHED_AFTER_SECONDS = 0.02
"""Nearly every request is answered before, and is spared the cost of a watcher; the others are worth one."""


class _Watch:
    """Looks out for the end of a connection, and then ends the work that is done for it."""

    __slots__ = ("_receive", "_watcher", "_worker", "has_left")

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._worker = asyncio.current_task()
        self._watcher: asyncio.Task[None] | None = None
        self.has_left = False

    def begin(self) -> None:
        self._watcher = asyncio.get_running_loop().create_task(self._look())

    def end(self) -> None:
        if self._watcher is not None:
            self._watcher.cancel()
            # A cancelled task keeps the frames that it was cancelled in, and with them this one: a circle, and whoever
            # clears many of those away at once holds all requests up.
            self._watcher = None

    async def _look(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self.has_left = True
        if self._worker is not None:
            self._worker.cancel()


async def unless_caller_leaves[T](receive: Receive, work: Awaitable[T], timers: Timers) -> T:
    """Await `work`, and cancel it when the connection that `receive` belongs to is closed; `timers` are for that.

    Raises:
        ClientDisconnect: the caller has gone; the work is cancelled.
    """
    watch = _Watch(receive)
    timer = timers.call_later(WATCHED_AFTER_SECONDS, watch.begin)
    try:
        return await work
    except asyncio.CancelledError:
        # Any other cancellation is not ours to swallow.
        worker = asyncio.current_task()
        if worker is not None and watch.has_left:
            worker.uncancel()
            raise ClientDisconnect from None
        raise
    finally:
        timer.cancel()
        watch.end()
