"""Every prepared request once, by many callers at the same time, so that the server may coalesce; all are checked."""

import asyncio
import json
import time
from collections.abc import Iterator

import uvloop

from benchmarks.clients import wire
from benchmarks.clients.checker import Checker

RECEIVE_BYTES = 1 << 16


async def _ask(target: wire.Target, numbers: Iterator[int], checker: Checker) -> None:
    """Ask one request after the other, as long as there are any."""
    reader, writer = await asyncio.open_connection("127.0.0.1", target.port)
    for number in numbers:
        writer.write(target.requests[number])
        received = bytearray()
        while (answer := wire.answer_in(received)) is None:
            part = await asyncio.wait_for(reader.read(RECEIVE_BYTES), wire.SECONDS_FOR_AN_ANSWER)
            if not part:
                checker.error("the server closed the connection")
                return
            received += part
        checker.check(number, *answer)
    writer.close()


def main() -> None:
    """Ask for everything, then print what was seen."""
    parser = wire.arguments(__doc__)
    parser.add_argument("--connections", type=int, required=True)
    options = parser.parse_args()
    target = wire.target(options)
    checker = Checker(options.expected, options.rows)

    async def run() -> None:
        numbers = iter(range(len(target.requests)))
        await asyncio.gather(*(_ask(target, numbers, checker) for _ in range(options.connections)))

    started = time.perf_counter()
    uvloop.run(run())
    seconds = time.perf_counter() - started
    print(json.dumps({"seconds": round(seconds, 3)} | checker.summary()))  # noqa: T201 - the result


if __name__ == "__main__":
    main()
