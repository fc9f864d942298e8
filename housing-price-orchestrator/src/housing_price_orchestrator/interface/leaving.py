"""Stops working for callers who have gone."""

import asyncio
from collections.abc import Awaitable

from starlette.requests import ClientDisconnect
from starlette.types import Receive

WATCHED_AFTER_SECONDS = 0.02
"""Nearly every request is answered before, and is spared the cost of a watcher; the others are worth one."""


async def unless_caller_leaves[T](receive: Receive, work: Awaitable[T]) -> T:
    """Await `work`, and cancel it when the connection that `receive` belongs to is closed.

    Raises:
        ClientDisconnect: the caller has gone; the work is cancelled.
    """
    loop = asyncio.get_running_loop()
    worker = asyncio.current_task()
    watchers: list[asyncio.Task[None]] = []

    async def watch() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        if worker is not None:
            worker.cancel()

    timer = loop.call_later(WATCHED_AFTER_SECONDS, lambda: watchers.append(loop.create_task(watch())))
    try:
        return await work
    except asyncio.CancelledError:
        # Only a watcher that came to its end has cancelled us; any other cancellation is not ours to swallow.
        if worker is not None and any(watcher.done() and not watcher.cancelled() for watcher in watchers):
            worker.uncancel()
            raise ClientDisconnect from None
        raise
    finally:
        timer.cancel()
        for watcher in watchers:
            watcher.cancel()
