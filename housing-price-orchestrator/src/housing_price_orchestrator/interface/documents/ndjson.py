"""Streaming: prices houses line by line (NDJSON) and writes results while still reading the request."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Sequence
from typing import Final

from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from housing_price_orchestrator.interface.documents.body import NDJSON
from housing_price_orchestrator.interface.documents.encoding import encode_prediction
from housing_price_orchestrator.interface.documents.lines import read_line
from housing_price_orchestrator.interface.documents.stream_gate import StreamGate
from housing_price_orchestrator.interface.documents.streamed_houses import (
    MAX_BLOCKS_PER_STREAM,
    MAX_HOUSES_PER_BLOCK,
    StreamedHouses,
    max_detailed_bytes,
)
from housing_price_orchestrator.interface.error_responses import record_error
from housing_price_orchestrator.interface.problems import extension_members, problem_document, problem_type_of
from housing_price_orchestrator.interface.short_findings import compact_json, shortened
from housing_price_orchestrator.observability.record import RequestRecord
from housing_price_orchestrator.observability.requests import RequestMetrics
from housing_price_orchestrator.service.input_warnings import InputWarnings
from housing_price_orchestrator.service.pricing import Pricing
from housing_price_orchestrator.service.transactions import Transactions
from housing_price_orchestrator.shared.errors import DocumentTooLarge, HousingPriceError, InvalidDocument
from housing_price_orchestrator.shared.view.record import AnyHouse

MAX_SHORT_LINE_BYTES: Final = 500
"""Maximum size of an answer with errors once the stream has seen many in full."""


class _Line:
    """One line of the request: its number, from 1, and its bytes, or None if it is too long."""

    __slots__ = ("number", "text")

    def __init__(self, number: int, text: bytes | None) -> None:
        self.number = number
        self.text = text


class NdjsonPricing:
    """The response to one stream: an ASGI application that reads and writes concurrently."""

    def __init__(
        self,
        pricing: Pricing,
        input_warnings: InputWarnings,
        transactions: Transactions,
        gate: StreamGate,
        *,
        max_line_bytes: int,
        idle_seconds: float,
        record: RequestRecord,
        metrics: RequestMetrics | None,
        within_seconds: float | None = None,
    ) -> None:
        """Prepare the response.

        Args:
            pricing: Prices the houses.
            input_warnings: Warns about features that the model has not seen.
            transactions: Assigns transaction ids and logs the predictions.
            gate: Shared by all streams, so that many streams slow down instead of missing their deadlines.
            max_line_bytes: Maximum length of a line.
            idle_seconds: The response ends if the client sends or reads nothing for this long.
            record: Receives the figures for the request's log line.
            metrics: Counts errors; None if metrics are off.
            within_seconds: Time limit for each line, counted from when its block passes the gate.
        """
        self._houses = StreamedHouses(pricing, transactions, gate, record=record, within_seconds=lambda: within_seconds)
        self._input_warnings = input_warnings
        self._max_line_bytes = max_line_bytes
        self._idle_seconds = idle_seconds
        self._record = record
        self._metrics = metrics
        self._received_bytes = 0
        self._error_bytes = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Respond until the request body ends or the client disconnects."""
        del scope
        blocks: asyncio.Queue[asyncio.Task[bytes] | None] = asyncio.Queue(MAX_BLOCKS_PER_STREAM)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", NDJSON.encode())]})
        # Send the head at once: the first prices may need data that the client has not sent yet.
        await send({"type": "http.response.body", "body": b"", "more_body": True})
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._write(blocks, send))
                async with contextlib.aclosing(self._blocks(receive)) as incoming:
                    async for block in incoming:
                        # Backpressure: if the client does not read results, the queue fills and reading stops.
                        await blocks.put(group.create_task(self._price(block)))
                await blocks.put(None)
        except* (ClientDisconnect, TimeoutError):
            # The task group has cancelled the pending work, and there is no client to respond to.
            pass

    async def _blocks(self, receive: Receive) -> AsyncGenerator[Sequence[_Line]]:
        rest = b""
        skipping = False
        number = 0
        more = True
        while more:
            async with asyncio.timeout(self._idle_seconds):
                message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            more = message.get("more_body", False)
            body = message.get("body", b"")
            self._received_bytes += len(body)
            *texts, rest = (rest + body).split(b"\n")
            if not more:
                texts.append(rest)
                rest = b""
            lines: list[_Line] = []
            for text in texts:
                number += 1
                if skipping or len(text) > self._max_line_bytes:
                    lines.append(_Line(number, None))
                elif text and not text.isspace():
                    lines.append(_Line(number, text))
                skipping = False
            if len(rest) > self._max_line_bytes:
                skipping = True
            if skipping:
                rest = b""
            for start in range(0, len(lines), MAX_HOUSES_PER_BLOCK):
                yield lines[start : start + MAX_HOUSES_PER_BLOCK]

    async def _price(self, lines: Sequence[_Line]) -> bytes:
        results: list[AnyHouse | bytes] = []
        for line in lines:
            if line.text is None:
                results.append(self._error_line(line, None, DocumentTooLarge(self._max_line_bytes)))
                continue
            try:
                results.append(read_line(line.text, line.number))
            except InvalidDocument as error:
                results.append(self._error_line(line, None, error))
                # Validation errors take longer than valid houses, so yield to other requests.
                await asyncio.sleep(0)
        houses = [result for result in results if not isinstance(result, bytes)]
        outcomes = iter(await self._houses.price(houses))
        result_lines = []
        for line, result in zip(lines, results, strict=True):
            if isinstance(result, bytes):
                result_lines.append(result)
                continue
            outcome = next(outcomes)
            if isinstance(outcome, HousingPriceError):
                result_lines.append(self._error_line(line, result.id, outcome))
            else:
                estimate, transaction_id = outcome
                result_lines.append(encode_prediction(result, estimate, transaction_id, self._input_warnings))
        result_lines.append(b"")
        return b"\n".join(result_lines)

    def _error_line(self, line: _Line, house_id: int | None, error: HousingPriceError) -> bytes:
        record_error(error, self._record, self._metrics)
        document = problem_document(problem_type_of(error), self._record.request_id, **extension_members(error))
        content = compact_json({"line": line.number, "id": house_id, "error": document})
        room = max_detailed_bytes(self._received_bytes) - self._error_bytes
        if len(content) > room and "errors" in document:
            # The client has seen many errors in detail: from here on, each answer is short.
            rest = len(content) - len(compact_json(document["errors"]))
            document["errors"] = shortened(document["errors"], MAX_SHORT_LINE_BYTES - rest)
            content = compact_json({"line": line.number, "id": house_id, "error": document})
        self._error_bytes += len(content)
        return content

    async def _write(self, blocks: asyncio.Queue[asyncio.Task[bytes] | None], send: Send) -> None:
        while (task := await blocks.get()) is not None:
            body = await task
            async with asyncio.timeout(self._idle_seconds):
                await send({"type": "http.response.body", "body": body, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
