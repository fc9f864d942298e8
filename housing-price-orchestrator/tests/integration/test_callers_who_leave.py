"""Work for a request stops when its client closes the connection."""

import asyncio
import threading
from typing import Any

import httpx
import orjson
import pytest
from fastapi import FastAPI

from factories import batch_json, house_json, houses_json, settings_for
from housing_price_orchestrator.app import create_app
from housing_price_orchestrator.interface.documents.stream_gate import INITIAL_BLOCKS
from housing_price_orchestrator.interface.services import SERVICES, Services
from housing_price_orchestrator.service.resilience.coalescing import CoalescingModel
from housing_price_orchestrator.shared.ports import Comparables, ComparablesQuestion
from servers import Behaviour, Call, StubModelServer, coalescing_of, finds, predicts, served

SECONDS = 20


FACTS = {"neighborhood": "NAmes", "overallQual": 5, "yearBuilt": 1961, "grLivArea": 896}


class Gate:
    """Behaviour of a stub that lets calls through when the test says so."""

    def __init__(self, behaviour: Behaviour | None = None) -> None:
        self.behaviour = behaviour or predicts()
        self.is_open = threading.Event()
        self.entered = threading.Semaphore(0)

    async def __call__(self, call: Call, writer: asyncio.StreamWriter) -> None:
        self.entered.release()
        await asyncio.to_thread(self.is_open.wait, SECONDS)
        await self.behaviour(call, writer)


@pytest.fixture
def gate(stub: StubModelServer) -> Gate:
    return Gate()


def is_complete(ready: httpx.Response) -> bool:
    """Return whether both models answer."""
    return ready.is_success and all(one["isAnswering"] for one in ready.json()["optional"])


def coalescing_of_comparables(app: FastAPI) -> CoalescingModel[ComparablesQuestion, Comparables]:
    services: Services = app.state.server.lifespan.state[SERVICES]
    upstream = services.valuations._models.comparables
    model: CoalescingModel[ComparablesQuestion, Comparables] = upstream._current.served.coalescing  # type: ignore[union-attr]  # behind a port
    return model


def ids_asked(stub: StubModelServer) -> set[float]:
    """Lot areas are what tells houses apart in the model's rows: ids never reach it."""
    area = stub.calls[0].columns.index("LotArea")
    return {row[area] for call in stub.calls for row in call.rows}


@pytest.mark.anyio
async def test_a_row_whose_caller_left_the_queue_is_not_sent(stub: StubModelServer, gate: Gate) -> None:
    settings = settings_for(stub.url, model_server={"max_calls": 1})
    app = create_app(settings)
    with served(app) as url:
        async with httpx.AsyncClient(base_url=url, timeout=SECONDS) as client:
            # The question that readiness asks goes first and past the queue.
            while (await client.get("/readyz")).status_code != httpx.codes.OK:
                await asyncio.sleep(0)
            stub.calls.clear()
            stub.behaviour = gate

            def ask(area: int) -> asyncio.Task[httpx.Response]:
                return asyncio.create_task(client.post("/api/v1/price/predict", json=house_json(lotArea=area)))

            first = ask(1_001)
            await asyncio.to_thread(gate.entered.acquire, timeout=SECONDS)
            leaves, stays = ask(1_002), ask(1_003)
            coalesced = coalescing_of(app)
            async with asyncio.timeout(SECONDS):
                while coalesced.waiting != 2:
                    await asyncio.sleep(0)
                leaves.cancel()
                while coalesced.waiting != 1:
                    await asyncio.sleep(0)
            gate.is_open.set()
            assert (await first).status_code == httpx.codes.OK
            assert (await stays).status_code == httpx.codes.OK
    assert ids_asked(stub) == {1_001, 1_003}


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("path", "document"),
    [
        ("/api/v1/price/predict", house_json()),
        ("/api/v1/price/predict/batch", batch_json(houses_json(20))),
        ("/api/v1/valuation", house_json()),
        ("/api/v1/valuation/batch", batch_json(houses_json(20))),
    ],
)
async def test_a_call_whose_only_caller_left_is_cancelled(
    stub: StubModelServer, gate: Gate, path: str, document: dict[str, Any]
) -> None:
    app = create_app(settings_for(stub.url, model_server={"max_calls": 1}))
    with served(app) as url:
        async with httpx.AsyncClient(base_url=url, timeout=SECONDS) as client:
            while (await client.get("/readyz")).status_code != httpx.codes.OK:
                await asyncio.sleep(0)
            stub.behaviour = gate
            leaves = asyncio.create_task(client.post(path, json=document))
            await asyncio.to_thread(gate.entered.acquire, timeout=SECONDS)
            assert coalescing_of(app).calls == 1
            leaves.cancel()
            async with asyncio.timeout(SECONDS):
                while coalescing_of(app).calls:
                    await asyncio.sleep(0)
            stub.behaviour = predicts()
            assert (await client.post("/api/v1/price/predict", json=house_json())).status_code == httpx.codes.OK
        gate.is_open.set()


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("path", "document"),
    [
        ("/api/v1/valuation", house_json()),
        ("/api/v1/valuation/batch", batch_json(houses_json(20))),
        ("/api/v1/valuation/estimate", FACTS),
    ],
)
async def test_a_call_for_comparable_sales_whose_only_caller_left_is_cancelled(
    stub: StubModelServer, comparables_stub: StubModelServer, path: str, document: dict[str, Any]
) -> None:
    app = create_app(settings_for(stub.url, comparables={"base_url": comparables_stub.url}))
    with served(app) as url:
        async with httpx.AsyncClient(base_url=url, timeout=SECONDS) as client:
            async with asyncio.timeout(SECONDS):
                while not is_complete(await client.get("/readyz")):
                    await asyncio.sleep(0)
            comparables_stub.behaviour = gate = Gate(finds())
            leaves = asyncio.create_task(client.post(path, json=document))
            assert await asyncio.to_thread(gate.entered.acquire, timeout=SECONDS)
            sales = coalescing_of_comparables(app)
            assert sales.calls == 1
            leaves.cancel()
            async with asyncio.timeout(SECONDS):
                while sales.calls or coalescing_of(app).calls:
                    await asyncio.sleep(0)
            comparables_stub.behaviour = finds()
            answer = await client.post("/api/v1/valuation?include=comparables", json=house_json())
            assert answer.json()["value"]["method"] == "priceAndComparables"
        gate.is_open.set()


@pytest.mark.anyio
async def test_a_stream_whose_caller_left_is_priced_no_further(stub: StubModelServer, gate: Gate) -> None:
    app = create_app(settings_for(stub.url))
    line = orjson.dumps(house_json(), option=orjson.OPT_APPEND_NEWLINE)
    with served(app) as url:
        address = httpx.URL(url)
        async with httpx.AsyncClient(base_url=url, timeout=SECONDS) as client:
            while (await client.get("/readyz")).status_code != httpx.codes.OK:
                await asyncio.sleep(0)
            stub.behaviour = gate
            # More often than there are places for blocks: whoever leaves must leave its place, too.
            for _ in range(INITIAL_BLOCKS + 1):
                _, writer = await asyncio.open_connection(address.host, address.port)
                head = b"POST /api/v1/price/predict/stream HTTP/1.1\r\nhost: localhost\r\n"
                head += b"transfer-encoding: chunked\r\n\r\n"
                writer.write(head + b"%x\r\n%b\r\n" % (len(line), line))
                assert await asyncio.to_thread(gate.entered.acquire, timeout=SECONDS)
                assert coalescing_of(app).calls == 1
                writer.transport.abort()
                async with asyncio.timeout(SECONDS):
                    while coalescing_of(app).calls:
                        await asyncio.sleep(0)
            stub.behaviour = predicts()
            answer = await client.post("/api/v1/price/predict/stream", content=line)
            assert orjson.loads(answer.content)["id"] == house_json()["id"]
        gate.is_open.set()
