"""A body that does not come is not waited for, and its connection is told so."""

import asyncio

import httpx
import pytest

from factories import house_bytes, settings_for
from housing_price_orchestrator.app import create_app
from servers import StubModelServer, served
from wire import post


@pytest.mark.anyio
@pytest.mark.parametrize("path", ["/api/v1/price/predict", "/api/v1/price/predict/batch"])
async def test_half_a_body_is_answered_with_408(stub: StubModelServer, path: str) -> None:
    body = house_bytes()
    with served(create_app(settings_for(stub.url, requests={"max_body_seconds": 0.1}))) as url:
        address = httpx.URL(url)
        async with asyncio.timeout(20):
            reader, writer = await asyncio.open_connection(address.host, address.port)
            writer.write(post(path, body)[: 100 - len(body)])
            answer = await reader.readuntil(b"}")
            writer.close()
            await writer.wait_closed()
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"urn:housing-price:problem:document-too-slow" in answer
