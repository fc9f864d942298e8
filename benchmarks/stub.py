"""An instant model server: returns fixed prices for any number of rows at minimal CPU cost.

Benchmarks over this stub measure the orchestrator alone. Run as `python -m benchmarks.stub PORT`.
"""

import asyncio
import json
import re
import sys
from typing import Final

import uvloop

from benchmarks.reference_prices import STUB_MODEL_ID, STUB_PRICES

_LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_EMPTY_ANSWER: Final = b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n\n"
_PREDICTION: Final = json.dumps(
    dict(zip(("price", "low", "high"), STUB_PRICES, strict=True)) | {"model_id": STUB_MODEL_ID}
).encode()

_answers: dict[int, bytes] = {}


def _answer(rows: int) -> bytes:
    answer = _answers.get(rows)
    if answer is None:
        body = b'{"predictions":[' + b",".join([_PREDICTION] * rows) + b"]}"
        head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n".encode()
        answer = _answers[rows] = head + body
    return answer


def _count_rows(body: bytearray, start: int, end: int) -> int:
    """Count the rows of a `dataframe_split` by its brackets; no value of the survey contains one."""
    data = body.find(b'"data"', start, end)
    if data < 0 or body.find(b'"dataframe_split"', start, end) < 0:
        raise ValueError("the stub accepts only `dataframe_split`")
    return body.count(b"[", data, end) - 1


class _Connection(asyncio.Protocol):
    def __init__(self) -> None:
        self._received = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]  # TCP gives a Transport

    def data_received(self, data: bytes) -> None:
        received = self._received
        received += data
        head_end = received.find(b"\r\n\r\n")
        if head_end < 0:
            return
        length = _LENGTH.search(received, 0, head_end)
        if length is None:
            self._transport.write(_EMPTY_ANSWER)
            received.clear()
            return
        end = head_end + 4 + int(length[1])
        if len(received) >= end:
            self._transport.write(_answer(_count_rows(received, head_end, end)))
            del received[:end]


async def _serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(_Connection, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1])))
