"""Clients that disconnect while their request is processed."""

import asyncio
import gc
import weakref
from collections.abc import Iterator

import pytest
from starlette.requests import ClientDisconnect
from starlette.types import Message

from housing_price_orchestrator.interface.client_disconnect import cancel_on_disconnect

pytestmark = pytest.mark.anyio


class Connection:
    """The receive channel of a request; the test sets `is_disconnected` when the client disconnects."""

    def __init__(self) -> None:
        self.is_watched = asyncio.Event()
        self.is_disconnected = asyncio.Event()

    async def receive(self) -> Message:
        self.is_watched.set()
        await self.is_disconnected.wait()
        return {"type": "http.disconnect"}


@pytest.fixture
def no_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


async def test_work_is_cancelled_when_the_client_disconnects() -> None:
    connection = Connection()
    asking = asyncio.create_task(cancel_on_disconnect(connection.receive, asyncio.Event().wait()))
    await connection.is_watched.wait()
    connection.is_disconnected.set()
    with pytest.raises(ClientDisconnect):
        await asking


async def test_another_cancellation_is_not_reported_as_a_disconnect() -> None:
    connection = Connection()
    asking = asyncio.create_task(cancel_on_disconnect(connection.receive, asyncio.Event().wait()))
    await connection.is_watched.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking


async def ask(connection: Connection) -> None:
    assert await cancel_on_disconnect(connection.receive, connection.is_watched.wait())


@pytest.mark.usefixtures("no_collector")
async def test_a_finished_request_leaves_no_reference_cycle() -> None:
    """Collecting thousands of cycles at once would block the event loop."""
    connection = Connection()
    await asyncio.create_task(ask(connection))
    # The watcher is cancelled in the next turn of the loop and freed in the one after it.
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    trace = weakref.ref(connection)
    del connection
    assert trace() is None
