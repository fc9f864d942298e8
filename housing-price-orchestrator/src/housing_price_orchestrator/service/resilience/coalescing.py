"""Combines waiting requests into few calls.

A call to a model server costs nearly the same for one row as for a hundred, so waiting requests share the next call.
There is no timer: a request is sent at once while fewer than `max_calls` calls are in flight, and otherwise when the
next call returns. Group commit in databases works the same way (DeWitt et al., SIGMOD 1984).

This is correct because a price does not depend on the other rows of the call (`Model.answer`).
"""

import asyncio
import math
import time
from collections.abc import Sequence
from contextvars import Context

from housing_price_orchestrator.observability.record import CallRecord, current_call
from housing_price_orchestrator.service.resilience.lane import Call, Lane, Request
from housing_price_orchestrator.shared.deadline import current_deadline
from housing_price_orchestrator.shared.errors import HousingPriceError, PriceImplausible, QueueFull, RowsRefused
from housing_price_orchestrator.shared.ports import PriceEstimate, PriceModel
from housing_price_orchestrator.shared.view.record import AnyHouse

SMALL_ROWS = 16
"""Requests of up to this many houses use a lane of their own: single requests are usually interactive."""


class CoalescingPriceModel:
    """Prices the houses of many callers in few calls to the model behind it.

    Promises that each caller gets the prices of its own houses, and that an error caused by one caller's rows reaches
    only that caller. Small requests and pieces of large ones have a lane each. The lanes take turns and leave one call
    to each other, so neither starves. A cancelled request leaves the queue; a call without callers is cancelled.
    """

    def __init__(
        self,
        model: PriceModel,
        *,
        max_rows: int,
        max_calls: int,
        max_waiting_rows: int = 1_000_000,
        call_seconds: float = math.inf,
    ) -> None:
        """Combine calls to `model`.

        Args:
            model: prices the combined calls.
            max_rows: maximum houses per call.
            max_calls: maximum calls in flight.
            max_waiting_rows: maximum houses in the queue; further requests are refused with `QueueFull`.
            call_seconds: calls carry fewer rows if `max_rows` would take longer, because requests that wait behind a
                long call miss their deadlines.
        """
        self._model = model
        self._max_calls = max_calls
        self._max_waiting_rows = max_waiting_rows
        # Each lane leaves one call to the other.
        self._max_calls_per_lane = max(1, max_calls - 1)
        self._small, self._large = (
            Lane(min_rows=SMALL_ROWS, max_rows=max_rows, call_seconds=call_seconds) for _ in range(2)
        )
        self._calls = 0
        self._last_lane = self._large
        self._is_dispatch_due = False

    @property
    def calls(self) -> int:
        """Number of calls in flight."""
        return self._calls

    @property
    def waiting(self) -> int:
        """Number of requests, or pieces of large ones, that wait to be sent."""
        return self._small.waiting + self._large.waiting

    @property
    def waiting_rows(self) -> int:
        """Number of houses that wait to be sent."""
        return self._small.waiting_rows + self._large.waiting_rows

    def large_rows_within(self, seconds: float) -> float:
        """Return how many houses the lane of large requests prices in `seconds`; infinite without a recent backlog."""
        rate = self._large.throughput.rows_per_second
        return math.inf if rate is None else rate * seconds

    def lane_of(self, rows: int) -> Lane:
        """Return the lane for a request of `rows` houses."""
        return self._small if rows <= SMALL_ROWS else self._large

    async def answer(self, houses: Sequence[AnyHouse], /) -> Sequence[PriceEstimate]:
        """See `Model.answer`; raises `QueueFull` if too many houses wait."""
        if not houses:
            return []
        lane = self.lane_of(len(houses))
        rows = lane.rows_per_call
        if len(houses) <= rows:
            return await self._enqueue(houses, lane)
        pieces = [houses[start : start + rows] for start in range(0, len(houses), rows)]
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._price_with_gaps(piece)) for piece in pieces]
        except ExceptionGroup as failures:
            # The task group cancelled the other pieces, so the first error stands for the whole batch.
            raise failures.exceptions[0] from None
        estimates = [estimate for task in tasks for estimate in task.result()]
        if None in estimates:
            raise PriceImplausible("at least one house has no usable price", estimates)
        return estimates  # type: ignore[return-value]  # no None in it, as checked above

    async def _price_with_gaps(self, piece: Sequence[AnyHouse]) -> Sequence[PriceEstimate | None]:
        """Price a piece of a batch; a house with an implausible price gets None."""
        try:
            return await self._enqueue(piece, self._large)
        except PriceImplausible as error:
            return error.estimates

    async def _enqueue(self, houses: Sequence[AnyHouse], lane: Lane) -> Sequence[PriceEstimate]:
        waiting_rows = self.waiting_rows
        if waiting_rows + len(houses) > self._max_waiting_rows:
            raise QueueFull(
                f"{waiting_rows} houses are already waiting (limit {self._max_waiting_rows})",
                lane.seconds_until_answered(0),
            )
        loop = asyncio.get_running_loop()
        request = Request(houses, loop.create_future())
        lane.add(request)
        if not self._is_dispatch_due and self._calls < self._max_calls:
            # Dispatch in the next loop iteration, so that requests that arrived together share a call.
            self._is_dispatch_due = True
            loop.call_soon(self._dispatch)
        try:
            return await request.answer
        except asyncio.CancelledError:
            request.record_abandoned(time.monotonic())
            # Cancelling the caller cancelled the future. A queued request leaves the lane; an abandoned call ends.
            if request.call is None:
                lane.remove(request)
            elif request.call.is_abandoned:
                request.call.cancel()
            raise

    def _dispatch(self) -> None:
        self._is_dispatch_due = False
        while self._calls < self._max_calls:
            # The lanes take turns, so that neither starves.
            turns = (self._small, self._large) if self._last_lane is self._large else (self._large, self._small)
            for lane in turns:
                if lane.calls >= self._max_calls_per_lane:
                    continue
                call = lane.next_call()
                if call is not None:
                    self._send(call, lane)
                    break
            else:
                return

    def _send(self, call: Call, lane: Lane) -> None:
        self._calls += 1
        lane.record_sent(call)
        self._last_lane = lane
        # An empty context: a call belongs to all of its requests, not to the one that triggered it.
        call.task = asyncio.create_task(self._call(call.requests, call), context=Context())

        def on_return(task: asyncio.Task[None]) -> None:
            self._calls -= 1
            lane.record_returned(call, is_cancelled=task.cancelled())
            error = None if task.cancelled() else task.exception()
            for request in call.requests:
                # Break the reference cycle, so that the houses are freed without the garbage collector.
                request.call = None
                if not request.answer.done():
                    # Only unexpected errors get here: `_call` hands every `HousingPriceError` to its callers.
                    request.answer.set_exception(error or RuntimeError("the call was cancelled"))
            self._dispatch()

        call.task.add_done_callback(on_return)

    async def _call(self, requests: Sequence[Request], call: Call) -> None:
        """Send requests in one call and give each its part of the answer. Never raises a `HousingPriceError`."""
        waiting = [request for request in requests if not request.answer.done()]
        if not waiting:
            return
        houses = [house for request in waiting for house in request.houses]
        record = CallRecord(rows=len(houses))
        current_call.set(record)
        deadlines = [request.deadline for request in waiting if request.deadline is not None]
        current_deadline.set(max(deadlines) if len(deadlines) == len(waiting) else None)
        for request in waiting:
            if request.record is not None:
                request.record.calls.append(record)
                if request.record.span is not None:
                    record.spans.append(request.record.span)
        started_at = time.monotonic()
        try:
            try:
                estimates = await self._model.answer(houses)
            finally:
                now = time.monotonic()
                record.seconds = now - started_at
                for request in waiting:
                    request.record_answered(now)
        except RowsRefused as error:
            if len(waiting) == 1:
                _fail(waiting, error)
                return
            # One request has rows that the server refuses. Halving isolates it in at most log2(n) steps.
            middle = len(waiting) // 2
            await self._call(waiting[:middle], call)
            await self._call(waiting[middle:], call)
        except PriceImplausible as error:
            call.is_answered = True
            _distribute(waiting, error.estimates, error)
        except HousingPriceError as error:
            _fail(waiting, error)
        else:
            call.is_answered = True
            _distribute(waiting, estimates, None)


def _distribute(
    requests: Sequence[Request], estimates: Sequence[PriceEstimate | None], error: PriceImplausible | None
) -> None:
    """Give each request its own estimates; only requests with a missing estimate fail."""
    # A wrong number of estimates must not shift prices from one caller to another.
    rows = sum(len(request.houses) for request in requests)
    if rows != len(estimates):
        raise RuntimeError(f"{len(estimates)} estimates for {rows} houses")
    start = 0
    for request in requests:
        end = start + len(request.houses)
        part = estimates[start:end]
        start = end
        if request.answer.done():
            continue
        if error is not None and None in part:
            request.answer.set_exception(PriceImplausible(str(error), part))
        else:
            request.answer.set_result(part)  # type: ignore[arg-type]  # no None in it, as checked above


def _fail(requests: Sequence[Request], error: HousingPriceError) -> None:
    for request in requests:
        if not request.answer.done():
            request.answer.set_exception(error)
