"""A model server that misbehaves on demand, in a process of its own: `python -m benchmarks.faults.stub PORT`.

`PUT /behaviour` says how it answers from now on, `GET /calls` tells what it was asked. Behaviours, by their `kind`:

- `good`: a right price for each row, after `seconds` (0)
- `failing`: the same share of calls (`share`) gets `status`, each after `seconds`
- `limited`: no more than `rows_per_second`, one call after the other
- any of `stub_invalid_answers.INVALID_ANSWERS`

But for the last, `model` is the id of the model that says so, and with a `factor` prices are so many times as high.
"""

import asyncio
import contextlib
import json
import random
import sys
import time
from typing import Any

import uvloop

from benchmarks.faults.stub_calls import PREDICTIONS, Call, read_call, written
from benchmarks.faults.stub_invalid_answers import INVALID_ANSWERS

SEED = 1


class MisbehavingModelServer:
    """Answers as it was told."""

    def __init__(self) -> None:
        self._behaviour: dict[str, Any] = {"kind": "good"}
        self._calls: list[Call] = []
        self._rng = random.Random(SEED)  # noqa: S311 - no secret
        self._busy_until = 0.0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer what comes over one connection."""
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while not writer.is_closing():
                call = await read_call(reader, time.monotonic)
                if call.path == PREDICTIONS:
                    self._calls.append(call)
                    await self._unless_the_caller_leaves(call, reader, writer)
                else:
                    writer.write(written(200, self._told(call)))
        writer.close()

    def _told(self, call: Call) -> bytes:
        match call.method, call.path:
            case "PUT", "/behaviour":
                self._behaviour = json.loads(call.body)
            case "GET", "/calls":
                return json.dumps([one.as_json() for one in self._calls]).encode()
        return b"{}"

    async def _unless_the_caller_leaves(
        self, call: Call, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        answering = asyncio.ensure_future(self._answer(call, writer))
        leaving = asyncio.ensure_future(reader.read(1))
        await asyncio.wait([answering, leaving], return_when=asyncio.FIRST_COMPLETED)
        if answering.done():
            leaving.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await leaving
            await answering
            call.answered = time.monotonic()
        else:
            answering.cancel()
            call.left = time.monotonic()
            writer.close()

    async def _answer(self, call: Call, writer: asyncio.StreamWriter) -> None:
        behaviour = self._behaviour
        kind = behaviour["kind"]
        if kind in INVALID_ANSWERS:
            await INVALID_ANSWERS[kind](call, writer)
            return
        predictions = call.predictions()
        if name := behaviour.get("model"):
            predictions = [one | {"model_id": name} for one in predictions]
        if factor := behaviour.get("factor"):
            predictions = [one | {key: one[key] * factor for key in ("price", "low", "high")} for one in predictions]
        if kind == "limited":
            now = time.monotonic()
            self._busy_until = max(now, self._busy_until) + len(predictions) / behaviour["rows_per_second"]
            await asyncio.sleep(self._busy_until - now)
        elif seconds := behaviour.get("seconds"):
            await asyncio.sleep(seconds)
        if kind == "failing" and self._rng.random() < behaviour["share"]:
            writer.write(written(behaviour["status"], b'{"message": "not now"}'))
        else:
            writer.write(written(200, json.dumps({"predictions": predictions}).encode()))
        await writer.drain()


async def _serve(port: int) -> None:
    server = await asyncio.start_server(MisbehavingModelServer().serve, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1])))
