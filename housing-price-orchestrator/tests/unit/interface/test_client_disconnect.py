"""Callers who leave while their request is worked on."""

import asyncio
import gc
import weakref
from collections.abc import Iterator

import pytest
from starlette.requests import ClientDisconnect
from starlette.types import Message

from housing_price_orchestrator.interface.client_disconnect import cancel_on_disconnect
from housing_price_orchestrator.shared.timers import Timers

pytestmark = pytest.mark.anyio


class Connection:
    """What a server gives a request to receive from; `comes_to_an_end` is set when the caller leaves."""

    def __init__(self) -> None:
        self.is_watched = asyncio.Event()
        self.comes_to_an_end = asyncio.Event()

    async def receive(self) -> Message:
        self.is_watched.set()
        await self.comes_to_an_end.wait()
        return {"type": "http.disconnect"}


@pytest.fixture
def no_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


async def test_work_ends_with_its_caller() -> None:
    connection = Connection()
    asking = asyncio.create_task(cancel_on_disconnect(connection.receive, asyncio.Event().wait(), Timers()))
    await connection.is_watched.wait()
    connection.comes_to_an_end.set()
    with pytest.raises(ClientDisconnect):
        await asking


async def test_a_cancelled_request_is_not_a_caller_who_left() -> None:
    connection = Connection()
    asking = asyncio.create_task(cancel_on_disconnect(connection.receive, asyncio.Event().wait(), Timers()))
    await connection.is_watched.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking


async def ask(connection: Connection) -> None:
    assert await cancel_on_disconnect(connection.receive, connection.is_watched.wait(), Timers())


@pytest.mark.usefixtures("no_collector")
async def test_an_answered_request_leaves_nothing_for_the_garbage_collector() -> None:
    """Thousands of them at once would hold up all others for as long as they are cleared away."""
    connection = Connection()
    await asyncio.create_task(ask(connection))
    # The watcher hears of its end in the next round of the loop, and is dropped after it.
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    trace = weakref.ref(connection)
    del connection
    assert trace() is None
