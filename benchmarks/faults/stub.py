"""A model server that misbehaves on demand, in a process of its own: `python -m benchmarks.faults.stub PORT KIND`.

KIND is `price` or `comparables`.

`PUT /behaviour` sets how it answers, `GET /calls` returns the calls that it received. Behaviours by `kind`:

- `good`: a correct price for each row, after `seconds` (default 0)
- `failing`: answers the share `share` of calls with `status`, each after `seconds`
- `limited`: prices at most `rows_per_second`, in sequential calls
- any of `stub_invalid_answers.INVALID_ANSWERS` or `stub_comparables.INVALID_COMPARABLES`

Except for the last, `model` sets the model id in answers and `factor` multiplies the prices.
"""

import asyncio
import contextlib
import json
import random
import sys
import time
from typing import Any, Final

import uvloop

from benchmarks.faults.stub_calls import PREDICTIONS, Call, Predict, http_answer, price_predictions, read_call
from benchmarks.faults.stub_comparables import INVALID_COMPARABLES, comparables_predictions
from benchmarks.faults.stub_invalid_answers import INVALID_ANSWERS

SEED: Final = 1
INVALID: Final = INVALID_ANSWERS | INVALID_COMPARABLES
PREDICT: Final = {"price": price_predictions, "comparables": comparables_predictions}


class MisbehavingModelServer:
    """Answers according to the current behaviour and records calls."""

    def __init__(self, predict: Predict) -> None:
        """Answer calls with what `predict` computes, until another behaviour is set."""
        self._predict = predict
        self._behaviour: dict[str, Any] = {"kind": "good"}
        self._calls: list[Call] = []
        self._rng = random.Random(SEED)  # noqa: S311 - no secret
        self._busy_until = 0.0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Handle the requests of one connection."""
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while not writer.is_closing():
                call = await read_call(reader, time.monotonic, self._predict)
                if call.path == PREDICTIONS:
                    self._calls.append(call)
                    await self._answer_unless_disconnected(call, reader, writer)
                else:
                    writer.write(http_answer(200, self._control(call)))
        writer.close()

    def _control(self, call: Call) -> bytes:
        match call.method, call.path:
            case "PUT", "/behaviour":
                self._behaviour = json.loads(call.body)
            case "GET", "/calls":
                return json.dumps([call.as_json() for call in self._calls]).encode()
        return b"{}"

    async def _answer_unless_disconnected(
        self, call: Call, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        answering = asyncio.ensure_future(self._answer(call, writer))
        disconnect = asyncio.ensure_future(reader.read(1))
        await asyncio.wait([answering, disconnect], return_when=asyncio.FIRST_COMPLETED)
        if answering.done():
            disconnect.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await disconnect
            await answering
            call.answered_at = time.monotonic()
        else:
            answering.cancel()
            call.cancelled_at = time.monotonic()
            writer.close()

    async def _answer(self, call: Call, writer: asyncio.StreamWriter) -> None:
        behaviour = self._behaviour
        kind = behaviour["kind"]
        if kind in INVALID:
            await INVALID[kind](call, writer)
            return
        predictions = call.predictions()
        if name := behaviour.get("model"):
            predictions = [prediction | {"model_id": name} for prediction in predictions]
        if factor := behaviour.get("factor"):
            predictions = [
                prediction | {key: prediction[key] * factor for key in ("price", "low", "high")}
                for prediction in predictions
            ]
        if kind == "limited":
            now = time.monotonic()
            self._busy_until = max(now, self._busy_until) + len(predictions) / behaviour["rows_per_second"]
            await asyncio.sleep(self._busy_until - now)
        elif seconds := behaviour.get("seconds"):
            await asyncio.sleep(seconds)
        if kind == "failing" and self._rng.random() < behaviour["share"]:
            writer.write(http_answer(behaviour["status"], b'{"message": "not now"}'))
        else:
            writer.write(http_answer(200, json.dumps({"predictions": predictions}).encode()))
        await writer.drain()


async def _serve(port: int, kind: str) -> None:
    server = await asyncio.start_server(MisbehavingModelServer(PREDICT[kind]).serve, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1]), sys.argv[2]))
