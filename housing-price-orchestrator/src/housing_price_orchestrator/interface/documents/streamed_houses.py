"""Prices the houses of one stream in blocks, over HTTP and over gRPC alike, and sums up its record."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from housing_price_orchestrator.interface.documents.stream_gate import StreamGate
from housing_price_orchestrator.observability.record import RequestRecord, current_request
from housing_price_orchestrator.service.pricing import Pricing
from housing_price_orchestrator.service.transactions import Transactions
from housing_price_orchestrator.shared.errors import HousingPriceError
from housing_price_orchestrator.shared.ports import PriceEstimate
from housing_price_orchestrator.shared.view.record import AnyHouse

MAX_HOUSES_PER_BLOCK: Final = 64
"""Maximum houses parsed and priced together: less than 1 ms of work before yielding to the event loop."""

MAX_BLOCKS_PER_STREAM: Final = 32
"""Maximum blocks of one stream that wait for their prices or to be sent; limits memory."""

MAX_LOGGED_CALLS: Final = 20
"""Maximum model server calls in the log line of a stream: its latest."""

MIN_DETAILED_BYTES: Final = 1_000_000
MAX_ERROR_RATIO: Final = 10
"""Errors are listed in full until they take `MIN_DETAILED_BYTES` and `MAX_ERROR_RATIO` times what was received."""

MAX_CONCURRENT_BLOCKS: Final = 64
"""Maximum blocks of all streams priced at the same time; the others wait at the gate."""

MAX_BACKLOG_SECONDS: Final = 0.5
"""Only as many blocks are priced at the same time as take this long together: a quarter of the default deadline."""


def max_detailed_bytes(received_bytes: int) -> int:
    """Return how many bytes of errors a stream lists in full, after it has received this much."""
    return max(MIN_DETAILED_BYTES, MAX_ERROR_RATIO * received_bytes)


class LoggedEstimate(NamedTuple):
    """The estimate of a house, and the id under which it was logged."""

    estimate: PriceEstimate
    transaction_id: str


class StreamedHouses:
    """Prices the houses of one stream, block by block."""

    def __init__(
        self,
        pricing: Pricing,
        transactions: Transactions,
        gate: StreamGate,
        *,
        record: RequestRecord,
        within_seconds: Callable[[], float | None],
    ) -> None:
        """Price for one stream.

        Args:
            pricing: Prices the houses.
            transactions: Assigns transaction ids and logs the predictions.
            gate: Shared by all streams, so that many streams slow down instead of missing their deadlines.
            record: Receives the figures for the request's log line.
            within_seconds: Returns the time limit of a block; asked when the block passes the gate.
        """
        self._pricing = pricing
        self._transactions = transactions
        self._gate = gate
        self._record = record
        self._within_seconds = within_seconds
        record.is_stream = True

    async def price(self, houses: Sequence[AnyHouse]) -> list[LoggedEstimate | HousingPriceError]:
        """Price and log a block; returns a price or an error per house, in order."""
        # A separate record per block, so that the record of an endless stream does not collect all its calls.
        block = replace(self._record, calls=[])
        current_request.set(block)
        async with self._gate:
            estimates = await self._pricing.price_each(houses, within_seconds=self._within_seconds())
        self._add_to_record(block, len(houses))
        pairs = [
            (house, estimate)
            for house, estimate in zip(houses, estimates, strict=True)
            if not isinstance(estimate, HousingPriceError)
        ]
        ids = iter(self._transactions.complete([house for house, _ in pairs], [estimate for _, estimate in pairs]))
        if pairs:
            self._record.model_id = pairs[-1][1].model.id
        return [
            estimate if isinstance(estimate, HousingPriceError) else LoggedEstimate(estimate, next(ids))
            for estimate in estimates
        ]

    def _add_to_record(self, block: RequestRecord, rows: int) -> None:
        """Add a block to the record of the stream: counts rows and keeps the longest times."""
        record = self._record
        record.rows += rows
        record.queue_seconds = max(record.queue_seconds, block.queue_seconds)
        record.model_seconds = max(record.model_seconds, block.model_seconds)
        record.calls = [*record.calls, *block.calls][-MAX_LOGGED_CALLS:]
