"""Cheap timers that share one tick."""

import asyncio

import pytest

from housing_price_orchestrator.shared.timers import Timers

pytestmark = pytest.mark.anyio

TICK_SECONDS = 0.001


async def test_a_timer_fires_once_and_not_early() -> None:
    loop = asyncio.get_running_loop()
    fired: asyncio.Future[float] = loop.create_future()
    began = loop.time()
    Timers(tick_seconds=TICK_SECONDS).call_later(0.02, lambda: fired.set_result(loop.time()))
    # A second call would raise in the loop, and warnings are errors.
    assert await asyncio.wait_for(fired, 60) >= began + 0.02


async def test_a_cancelled_timer_does_not_fire() -> None:
    timers, fired = Timers(tick_seconds=TICK_SECONDS), list[str]()
    later = asyncio.Event()
    timers.call_later(0, lambda: fired.append("kept"))
    timers.call_later(0, lambda: fired.append("cancelled")).cancel()
    timers.call_later(0.01, later.set)
    await asyncio.wait_for(later.wait(), 60)
    assert fired == ["kept"]


async def test_a_callback_can_cancel_a_timer_that_is_due_in_the_same_tick() -> None:
    timers, fired = Timers(tick_seconds=TICK_SECONDS), list[str]()
    later = asyncio.Event()
    others = []
    timers.call_later(0, lambda: [other.cancel() for other in others])
    others.append(timers.call_later(0, lambda: fired.append("other")))
    timers.call_later(0.01, later.set)
    await asyncio.wait_for(later.wait(), 60)
    assert fired == []


async def test_a_timer_can_be_set_after_all_have_fired() -> None:
    timers = Timers(tick_seconds=TICK_SECONDS)
    for _ in range(3):
        fired = asyncio.Event()
        timers.call_later(0, fired.set)
        await asyncio.wait_for(fired.wait(), 60)
