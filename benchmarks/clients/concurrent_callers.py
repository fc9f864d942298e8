"""Sends every request once from many concurrent callers, so that the server can coalesce; checks all answers."""

import asyncio
import json
import time
from collections.abc import Iterator
from typing import Final

import uvloop

from benchmarks.clients import wire
from benchmarks.clients.checker import Checker

RECEIVE_BYTES: Final = 1 << 16


async def _call(target: wire.Target, numbers: Iterator[int], checker: Checker) -> None:
    """Send requests one after the other until none are left."""
    reader, writer = await asyncio.open_connection("127.0.0.1", target.port)
    for number in numbers:
        writer.write(target.requests[number])
        received = bytearray()
        while (answer := wire.parse_answer(received)) is None:
            part = await asyncio.wait_for(reader.read(RECEIVE_BYTES), wire.ANSWER_TIMEOUT_SECONDS)
            if not part:
                checker.count_error("the server closed the connection")
                return
            received += part
        checker.check(number, *answer)
    writer.close()


def main() -> None:
    """Send all requests, then print the figures."""
    parser = wire.arguments(__doc__)
    parser.add_argument("--connections", type=int, required=True)
    options = parser.parse_args()
    target = wire.target(options)
    checker = Checker(options.expected, options.rows)

    async def run() -> None:
        numbers = iter(range(len(target.requests)))
        await asyncio.gather(*(_call(target, numbers, checker) for _ in range(options.connections)))

    started = time.perf_counter()
    uvloop.run(run())
    seconds = time.perf_counter() - started
    print(json.dumps({"seconds": round(seconds, 3)} | checker.summary()))  # noqa: T201 - the result


if __name__ == "__main__":
    main()
