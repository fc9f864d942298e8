"""Another model server takes calls of its own: what can be done grows with it."""

import asyncio
import threading
from contextlib import ExitStack

import httpx
import pytest

from factories import house_json, settings_for
from housing_price_orchestrator.app import create_app
from servers import Behaviour, Call, StubModelServer, coalescing_of, predicts, served

SECONDS = 20
MAX_CALLS = 3


@pytest.mark.anyio
@pytest.mark.parametrize("addresses", [1, 2])
async def test_calls_under_way_grow_with_the_addresses_and_are_spread(addresses: int) -> None:
    is_open = threading.Event()
    waiting = [0] * addresses

    def held(place: int) -> Behaviour:
        async def behave(call: Call, writer: asyncio.StreamWriter) -> None:
            waiting[place] += 1
            await asyncio.to_thread(is_open.wait, SECONDS)
            await predicts()(call, writer)

        return behave

    with ExitStack() as stack:
        stubs = [stack.enter_context(StubModelServer()) for _ in range(addresses)]
        upstream = {"base_url": ",".join(stub.url for stub in stubs), "max_calls": MAX_CALLS}
        app = create_app(settings_for(stubs[0].url, model_server=upstream))
        url = stack.enter_context(served(app))
        async with httpx.AsyncClient(base_url=url, timeout=SECONDS) as client:
            while (await client.get("/readyz")).status_code != httpx.codes.OK:
                await asyncio.sleep(0)
            for place, stub in enumerate(stubs):
                stub.behaviour = held(place)
            # Single houses leave one of all calls to batches.
            most = MAX_CALLS * addresses - 1
            asked = []
            async with asyncio.timeout(SECONDS):
                for number in range(1, most + 2):
                    asked.append(asyncio.create_task(client.post("/api/v1/price/predict", json=house_json())))
                    while sum(waiting) < min(number, most):
                        await asyncio.sleep(0)
                while coalescing_of(app).waiting != 1:
                    await asyncio.sleep(0)
            assert coalescing_of(app).calls == sum(waiting) == most
            assert max(waiting) - min(waiting) <= 1
            is_open.set()
            assert [(await one).status_code for one in asked] == [httpx.codes.OK] * len(asked)
