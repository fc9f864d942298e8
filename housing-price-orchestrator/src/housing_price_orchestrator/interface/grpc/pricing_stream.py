"""Streaming: prices the houses of many messages, and writes results while the client still sends."""

import asyncio
from collections.abc import Sequence
from itertools import batched

from housing_price_orchestrator.interface.documents.streamed_houses import (
    MAX_BLOCKS_PER_STREAM,
    MAX_HOUSES_PER_BLOCK,
    StreamedHouses,
    max_detailed_bytes,
)
from housing_price_orchestrator.interface.error_responses import record_error
from housing_price_orchestrator.interface.grpc.call import Call
from housing_price_orchestrator.interface.grpc.documents.reading import read_house
from housing_price_orchestrator.interface.grpc.documents.splitting import split_houses
from housing_price_orchestrator.interface.grpc.documents.writing import priced_house
from housing_price_orchestrator.interface.grpc.generated import price_pb2
from housing_price_orchestrator.interface.grpc.limits import MAX_STREAM_HOUSES
from housing_price_orchestrator.interface.grpc.rich_errors import stream_problem
from housing_price_orchestrator.shared.errors import HousingPriceError, InvalidDocument
from housing_price_orchestrator.shared.view.record import AnyHouse

type _Results = list[price_pb2.PredictResult]


class PricingStream:
    """One stream: reads and writes concurrently, in constant memory."""

    def __init__(self, call: Call) -> None:
        """Answer `call`."""
        self._call = call
        self._record = call.record
        services = call.services
        self._houses = StreamedHouses(
            services.pricing,
            services.transactions,
            services.stream_gate,
            record=call.record,
            within_seconds=lambda: call.within_seconds,
        )
        self._received_bytes = 0
        self._error_bytes = 0

    async def run(self) -> None:
        """Answer until the client has sent its last message.

        Raises:
            HousingPriceError: A message cannot be read, or the client is too slow. The houses before it are answered.
        """
        # An error waits in the queue behind the blocks that were received before it.
        blocks: asyncio.Queue[asyncio.Task[bytes] | HousingPriceError | None] = asyncio.Queue(MAX_BLOCKS_PER_STREAM)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._write(blocks))
                await blocks.put(await self._read(blocks, group))
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from None

    async def _read(
        self, blocks: asyncio.Queue[asyncio.Task[bytes] | HousingPriceError | None], group: asyncio.TaskGroup
    ) -> HousingPriceError | None:
        """Read all messages; returns the error with which reading ended."""
        position = 1
        idle_seconds = self._call.services.body_limits.idle_seconds
        try:
            while (message := await self._call.read_message(within_seconds=idle_seconds)) is not None:
                self._received_bytes += len(message)
                parts = split_houses(message, max_houses=MAX_STREAM_HOUSES)
                for houses in batched(parts, MAX_HOUSES_PER_BLOCK, strict=False):
                    # Backpressure: if the client does not read results, the queue fills and reading stops.
                    await blocks.put(group.create_task(self._price(position, houses)))
                    position += len(houses)
        except HousingPriceError as error:
            return error
        return None

    async def _write(self, blocks: asyncio.Queue[asyncio.Task[bytes] | HousingPriceError | None]) -> None:
        while (block := await blocks.get()) is not None:
            if isinstance(block, HousingPriceError):
                raise block
            await self._call.write_message(await block)

    async def _price(self, position: int, messages: Sequence[bytes]) -> bytes:
        """Price a block of houses, of which the first has this position in the stream; returns the response."""
        read: list[AnyHouse | InvalidDocument] = []
        for message in messages:
            try:
                read.append(read_house(message))
            except InvalidDocument as error:
                read.append(error)
                # Validation errors take longer than valid houses, so yield to other calls.
                await asyncio.sleep(0)
        houses = [house for house in read if not isinstance(house, InvalidDocument)]
        outcomes = iter(await self._houses.price(houses))
        results: _Results = []
        for number, house in enumerate(read, start=position):
            if isinstance(house, InvalidDocument):
                results.append(self._error(number, None, house))
                continue
            outcome = next(outcomes)
            if isinstance(outcome, HousingPriceError):
                results.append(self._error(number, house.id, outcome))
            else:
                estimate, transaction_id = outcome
                prediction = priced_house(house, estimate, transaction_id, self._call.services.input_warnings)
                results.append(price_pb2.PredictResult(position=number, id=house.id, prediction=prediction))
        return price_pb2.PredictStreamResponse(results=results).SerializeToString()

    def _error(self, position: int, house_id: int | None, error: HousingPriceError) -> price_pb2.PredictResult:
        record_error(error, self._record, self._call.services.request_metrics)
        request_id = self._record.request_id
        # A client that has seen many errors in detail gets short ones from then on.
        is_short = self._error_bytes > max_detailed_bytes(self._received_bytes)
        problem = stream_problem(error, request_id, is_short=is_short)
        self._error_bytes += problem.ByteSize()
        return price_pb2.PredictResult(position=position, id=house_id, error=problem)
