"""Invalid answers of a model server, by kind."""

import asyncio
import json
import socket
import struct
from collections.abc import Awaitable, Callable
from typing import Any, Final

from benchmarks.faults.stub_calls import SECRET, Call, http_answer

type InvalidAnswer = Callable[[Call, asyncio.StreamWriter], Awaitable[None]]

HUGE_BYTES: Final = 512 * 2**20


def _returns(status: int, body: bytes, content_type: str = "application/json", headers: str = "") -> InvalidAnswer:
    async def behave(_call: Call, writer: asyncio.StreamWriter) -> None:
        writer.write(http_answer(status, body, content_type, headers))
        await writer.drain()

    return behave


def predicts(change: Callable[[list[dict[str, Any]]], Any]) -> InvalidAnswer:
    """Answer with what `change` makes of the correct predictions: a document, or bytes."""

    async def behave(call: Call, writer: asyncio.StreamWriter) -> None:
        document = change(call.predictions())
        writer.write(http_answer(200, document if isinstance(document, bytes) else json.dumps(document).encode()))
        await writer.drain()

    return behave


def _each(**changes: Any) -> InvalidAnswer:
    return predicts(lambda predictions: {"predictions": [prediction | changes for prediction in predictions]})


async def _resets_in_the_body(call: Call, writer: asyncio.StreamWriter) -> None:
    await _half(call, writer)
    raw = writer.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def _half_an_answer(call: Call, writer: asyncio.StreamWriter) -> None:
    await _half(call, writer)
    writer.close()


async def _half(call: Call, writer: asyncio.StreamWriter) -> None:
    answer = http_answer(200, json.dumps({"predictions": call.predictions()}).encode())
    writer.write(answer[:-20])
    await writer.drain()


async def _huge(_call: Call, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n{")
    for _ in range(HUGE_BYTES // 2**20):
        writer.write(b" " * 2**20)
        await writer.drain()
    writer.close()


_ERROR_TEXT: Final = json.dumps({"error_code": "INTERNAL", "message": f"Traceback: {SECRET}"}).encode()

INVALID_MESSAGES: Final[dict[str, InvalidAnswer]] = {
    "reset in mid-body": _resets_in_the_body,
    "half an answer": _half_an_answer,
    "HTML": _returns(200, f"<html><body>{SECRET}</body></html>".encode(), "text/html"),
    "one too many": predicts(lambda predictions: {"predictions": [*predictions, predictions[0]]}),
    "one too few": predicts(lambda predictions: {"predictions": predictions[1:]}),
    "a huge answer": _huge,
    "302": _returns(302, b"", headers="Location: /elsewhere\r\n"),
    "200 with an error text": _returns(200, _ERROR_TEXT),
    "400 with an error text": _returns(400, _ERROR_TEXT),
    "500 with a stack trace": _returns(500, _ERROR_TEXT),
    "no JSON": _returns(200, f'{{"predictions": [{SECRET}'.encode()),
}
"""Invalid answers of any model server by their name in results."""

INVALID_ANSWERS: Final[dict[str, InvalidAnswer]] = INVALID_MESSAGES | {
    "NaN": _each(price=float("nan")),
    "infinite": _each(price=float("inf"), high=float("inf")),
    "a huge price": predicts(
        lambda predictions: json.dumps({"predictions": predictions}).replace('"price": ', '"price": 9e999').encode()
    ),
    "a negative price": _each(price=-1.0),
    "a price in quotes": _each(price="100000.0"),
}
"""Invalid answers of a price server. The orchestrator answers 502 to each."""
