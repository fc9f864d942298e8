"""Background tasks that end with an exit stack."""

import asyncio
import contextlib
from collections.abc import Coroutine


def run_until_closed(work: Coroutine[None, None, None], stack: contextlib.AsyncExitStack) -> None:
    """Run `work` as a task that `stack` cancels when it closes."""
    stack.push_async_callback(cancel_and_wait, asyncio.create_task(work))


async def cancel_and_wait(task: asyncio.Task[None]) -> None:
    """Cancel a task and wait until it has ended."""
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
