"""Houses in, prices out, one per line, over real sockets."""

import asyncio
import contextlib
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from factories import house_json, houses_json, price_in, settings_for
from housing_price_orchestrator.app import create_app
from housing_price_orchestrator.interface.openapi.views import RefusedLine
from housing_price_orchestrator.shared.view.price import PricedHouse
from servers import StubModelServer, predicts, says, served

STREAM = "/api/v1/price/predict/stream"
NDJSON = {"content-type": "application/x-ndjson"}
SECONDS = 30

pytestmark = pytest.mark.anyio


@pytest.fixture
def url(stub: StubModelServer) -> Iterator[str]:
    with served(create_app(settings_for(stub.url))) as url:
        yield url


def line(document: Any) -> bytes:
    return json.dumps(document).encode() + b"\n"


async def sent(url: str, *lines: bytes) -> list[dict[str, Any]]:
    async with httpx.AsyncClient(base_url=url, timeout=SECONDS) as client:
        response = await client.post(STREAM, content=b"".join(lines), headers=NDJSON)
    assert response.status_code == httpx.codes.OK
    assert response.headers["content-type"] == "application/x-ndjson"
    return [json.loads(text) for text in response.text.splitlines()]


async def test_each_line_is_answered_in_order(url: str) -> None:
    answers = await sent(url, *map(line, houses_json(5_000)))
    assert [PricedHouse.model_validate(answer).id for answer in answers] == list(range(1, 5_001))


async def test_a_stream_prices_like_single_requests(url: str) -> None:
    houses = houses_json(50)
    answers = await sent(url, *map(line, houses))
    async with httpx.AsyncClient(base_url=url, timeout=SECONDS) as client:
        singles = [(await client.post("/api/v1/price/predict", json=house)).json() for house in houses]
    assert [price_in(one) for one in answers] == [price_in(one) for one in singles]


async def test_the_last_line_needs_no_line_break_and_blank_lines_are_passed_over(url: str) -> None:
    answers = await sent(url, b"\n", line(house_json(id=1)), b"  \r\n", line(house_json(id=2)).strip())
    assert [answer["id"] for answer in answers] == [1, 2]


async def test_nothing_is_answered_with_nothing(url: str) -> None:
    assert await sent(url) == []


@pytest.mark.parametrize(
    ("bad", "status"),
    [
        (b"{\n", 422),
        (line(house_json(street="Dummy")), 422),
        (line(house_json(id=10**400)), 422),
        (b'{"id": NaN}\n', 422),
        (b"\xff\xfe\n", 422),
        (line({"id": "x" * 70_000}), 413),
        (line({"id": "x" * 300_000}), 413),
    ],
)
async def test_a_bad_line_is_answered_with_its_number_and_the_stream_goes_on(url: str, bad: bytes, status: int) -> None:
    first, second, third = await sent(url, line(house_json(id=1)), bad, line(house_json(id=3)))
    assert [first["id"], third["id"]] == [1, 3]
    assert RefusedLine.model_validate(second).line == 2
    assert second["error"]["status"] == status


async def test_a_bad_field_is_named(url: str) -> None:
    (answer,) = await sent(url, line(house_json(street="Dummy")))
    assert answer["error"]["errors"][0]["loc"] == ["body", "street"]


async def test_when_the_model_server_fails_each_line_says_so(url: str, stub: StubModelServer) -> None:
    stub.behaviour = says(503)
    answers = await sent(url, *map(line, houses_json(3)))
    assert [(answer["line"], answer["id"], answer["error"]["status"]) for answer in answers] == [
        (1, 1, 503),
        (2, 2, 503),
        (3, 3, 503),
    ]


async def test_an_implausible_price_costs_only_its_own_line(url: str, stub: StubModelServer) -> None:
    def spoil(predictions: list[dict[str, Any]]) -> bytes:
        made = [{**one, "price": float("nan")} if number == 1 else one for number, one in enumerate(predictions)]
        return json.dumps({"predictions": made}).encode()

    stub.behaviour = predicts(spoil)
    answers = await sent(url, *map(line, houses_json(3)))
    assert [answer.get("error", {}).get("status") for answer in answers] == [None, 502, None]


async def test_the_first_prices_leave_before_the_last_house_has_come_in(url: str) -> None:
    # Clients of HTTP/1.1 send first and read then, so this one is driven by hand: it sends the second house when it
    # has read the price of the first.
    address = httpx.URL(url)
    async with asyncio.timeout(SECONDS):
        reader, writer = await asyncio.open_connection(address.host, address.port)
        writer.write(b"POST %b HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n" % STREAM.encode())
        await send_chunk(writer, line(house_json(id=1)))
        assert b" 200 " in await reader.readuntil(b"\r\n\r\n")
        assert json.loads(await read_chunk(reader))["id"] == 1
        await send_chunk(writer, line(house_json(id=2)))
        assert json.loads(await read_chunk(reader))["id"] == 2
        await send_chunk(writer, b"")
        assert await read_chunk(reader) == b""
        writer.close()
        await writer.wait_closed()


async def send_chunk(writer: asyncio.StreamWriter, content: bytes) -> None:
    writer.write(b"%x\r\n%b\r\n" % (len(content), content))
    await writer.drain()


async def read_chunk(reader: asyncio.StreamReader) -> bytes:
    size = int(await reader.readline(), 16)
    return (await reader.readexactly(size + 2))[:-2]


async def test_a_client_that_does_not_read_stops_being_read(stub: StubModelServer) -> None:
    text = line(house_json()) * 20
    with served(create_app(settings_for(stub.url, requests={"deadline_seconds": 1}))) as url:
        address = httpx.URL(url)
        _, writer = await asyncio.open_connection(address.host, address.port)
        writer.transport.set_write_buffer_limits(high=1)
        writer.write(b"POST %b HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n" % STREAM.encode())
        taken = 0
        with contextlib.suppress(TimeoutError):
            while taken < 200_000_000:
                # No time decides here: once nobody reads any more, this waits as long as it is let.
                async with asyncio.timeout(2):
                    await send_chunk(writer, text)
                taken += len(text)
        writer.transport.abort()
        assert taken < 100_000_000
        async with httpx.AsyncClient(base_url=url, timeout=SECONDS) as client:
            assert (await client.get("/livez")).status_code == httpx.codes.OK
