"""Background tasks that end with an exit stack."""

import asyncio
import contextlib
from collections.abc import Coroutine

from housing_price_orchestrator.shared.tasks import cancel_and_wait


def run_until_closed(work: Coroutine[None, None, None], stack: contextlib.AsyncExitStack) -> None:
    """Run `work` as a task that `stack` cancels when it closes."""
    stack.push_async_callback(cancel_and_wait, asyncio.create_task(work))
