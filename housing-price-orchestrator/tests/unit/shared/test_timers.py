"""Timers that cost nearly nothing where they do not come."""

import asyncio

import pytest

from housing_price_orchestrator.shared.timers import Timers

pytestmark = pytest.mark.anyio

TICK_SECONDS = 0.001


async def test_a_timer_comes_once_and_not_before_its_time() -> None:
    loop = asyncio.get_running_loop()
    came: asyncio.Future[float] = loop.create_future()
    began = loop.time()
    Timers(tick_seconds=TICK_SECONDS).call_later(0.02, lambda: came.set_result(loop.time()))
    # A second call would raise in the loop, and warnings are errors.
    assert await asyncio.wait_for(came, 60) >= began + 0.02


async def test_a_timer_that_is_cancelled_does_not_come() -> None:
    timers, came = Timers(tick_seconds=TICK_SECONDS), list[str]()
    later = asyncio.Event()
    timers.call_later(0, lambda: came.append("kept"))
    timers.call_later(0, lambda: came.append("cancelled")).cancel()
    timers.call_later(0.01, later.set)
    await asyncio.wait_for(later.wait(), 60)
    assert came == ["kept"]


async def test_a_timer_may_cancel_another_that_is_due_together_with_it() -> None:
    timers, came = Timers(tick_seconds=TICK_SECONDS), list[str]()
    later = asyncio.Event()
    others = []
    timers.call_later(0, lambda: [other.cancel() for other in others])
    others.append(timers.call_later(0, lambda: came.append("other")))
    timers.call_later(0.01, later.set)
    await asyncio.wait_for(later.wait(), 60)
    assert came == []


async def test_a_timer_can_be_set_after_all_have_come() -> None:
    timers = Timers(tick_seconds=TICK_SECONDS)
    for _ in range(3):
        came = asyncio.Event()
        timers.call_later(0, came.set)
        await asyncio.wait_for(came.wait(), 60)
