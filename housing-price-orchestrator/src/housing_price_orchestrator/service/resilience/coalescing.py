"""Many waiting requests become few calls.

A call to a model server costs nearly the same for one row as for a hundred, so whoever waits goes along with the next
call. There is no timer: while fewer than `max_calls` calls are under way, what waits is sent at once; while all are, it
waits for the first to come back. Group commit in databases works the same way (DeWitt et al., SIGMOD 1984).

It is honest because a model prices a row the same whatever stands beside it (`PriceModel.price`).
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
"""Requests of up to so many houses go before larger ones: someone may be waiting for them at a screen."""


class CoalescingPriceModel:
    """Sends what many callers ask for in few calls to the model behind it.

    Small requests and the pieces of large ones have a queue each, take turns, and leave one call to the other kind, so
    that a flood of batches does not make single houses wait, nor the other way round. A caller who is cancelled leaves:
    what it asked for is not sent any more, and a call that nobody waits for is cancelled.
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
        """Ask `model` for up to `max_rows` houses in a call and with up to `max_calls` calls at a time.

        What would make more than `max_waiting_rows` houses wait is refused with `QueueFull`. Where a call of `max_rows`
        would take over `call_seconds`, calls carry less: who waits behind a long call misses its deadline.
        """
        self._model = model
        self._max_calls = max_calls
        self._max_waiting_rows = max_waiting_rows
        # Each kind leaves one call to the other.
        self._max_calls_of_a_kind = max(1, max_calls - 1)
        self._small, self._large = (
            Lane(min_rows=SMALL_ROWS, max_rows=max_rows, call_seconds=call_seconds) for _ in range(2)
        )
        self._calls = 0
        self._sent_last = self._large
        self._is_dispatch_due = False

    @property
    def calls(self) -> int:
        """How many calls are under way."""
        return self._calls

    @property
    def waiting(self) -> int:
        """How many requests, or pieces of large ones, wait to be sent."""
        return self._small.waiting + self._large.waiting

    @property
    def waiting_rows(self) -> int:
        """How many houses wait to be sent."""
        return self._small.waiting_rows + self._large.waiting_rows

    def large_rows_within(self, seconds: float) -> float:
        """How many houses of large requests are priced in so long; no limit where nothing had to wait of late."""
        rate = self._large.throughput.rows_per_second
        return math.inf if rate is None else rate * seconds

    def lane_of(self, rows: int) -> Lane:
        """Get where a request of so many houses waits."""
        return self._small if rows <= SMALL_ROWS else self._large

    async def price(self, houses: Sequence[AnyHouse], /) -> Sequence[PriceEstimate]:
        """See `PriceModel.price`."""
        if not houses:
            return []
        lane = self.lane_of(len(houses))
        rows = lane.rows_per_call
        if len(houses) <= rows:
            return await self._ask(houses, lane)
        pieces = [houses[start : start + rows] for start in range(0, len(houses), rows)]
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._ask_for_each(piece)) for piece in pieces]
        except ExceptionGroup as failures:
            # The first piece to fail has cancelled the others, and speaks for the whole.
            raise failures.exceptions[0] from None
        estimates = [estimate for task in tasks for estimate in task.result()]
        if None in estimates:
            raise PriceImplausible("some house has no usable price", estimates)
        return estimates  # type: ignore[return-value]  # no None in it, as checked above

    async def _ask_for_each(self, piece: Sequence[AnyHouse]) -> Sequence[PriceEstimate | None]:
        """Ask for a piece of something larger: an implausible price leaves a gap in its place."""
        try:
            return await self._ask(piece, self._large)
        except PriceImplausible as error:
            return error.estimates

    async def _ask(self, houses: Sequence[AnyHouse], lane: Lane) -> Sequence[PriceEstimate]:
        waiting_rows = self.waiting_rows
        if waiting_rows + len(houses) > self._max_waiting_rows:
            raise QueueFull(f"{waiting_rows} houses are waiting", lane.seconds_until_answered(0))
        loop = asyncio.get_running_loop()
        request = Request(houses, loop.create_future())
        lane.add(request)
        if not self._is_dispatch_due and self._calls < self._max_calls:
            # At the end of this turn of the loop, so that requests that arrived together leave together.
            self._is_dispatch_due = True
            loop.call_soon(self._dispatch)
        try:
            return await request.answer
        except asyncio.CancelledError:
            request.is_left(time.monotonic())
            # The future is cancelled with its caller: the lane passes over it, and nobody needs a call without callers.
            if request.call is None:
                lane.forget(request)
            elif request.call.is_abandoned:
                request.call.cancel()
            raise

    def _dispatch(self) -> None:
        self._is_dispatch_due = False
        while self._calls < self._max_calls:
            # In turns where both kinds wait, so that neither starves.
            turns = (self._small, self._large) if self._sent_last is self._large else (self._large, self._small)
            for lane in turns:
                if lane.calls >= self._max_calls_of_a_kind:
                    continue
                call = lane.next_call()
                if call is not None:
                    self._send(call, lane)
                    break
            else:
                return

    def _send(self, call: Call, lane: Lane) -> None:
        self._calls += 1
        lane.has_left(call)
        self._sent_last = lane
        # A context of its own: a call belongs to all of its requests and not to the one that happened to be last.
        call.task = asyncio.create_task(self._call(call.requests, call), context=Context())

        def has_returned(task: asyncio.Task[None]) -> None:
            self._calls -= 1
            lane.has_returned(call, is_given_up=task.cancelled())
            error = None if task.cancelled() else task.exception()
            for request in call.requests:
                # Request and call know each other; left so, they and their houses would wait for the garbage collector.
                request.call = None
                if not request.answer.done():
                    # Only a defect gets here: every error with a name was handed to its callers.
                    request.answer.set_exception(error or RuntimeError("the call was cancelled"))
            self._dispatch()

        call.task.add_done_callback(has_returned)

    async def _call(self, requests: Sequence[Request], call: Call) -> None:
        """Send requests in one call and hand each its part of the answer; never raises an error with a name."""
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
                estimates = await self._model.price(houses)
            finally:
                now = time.monotonic()
                record.seconds = now - started_at
                for request in waiting:
                    request.was_answered(now)
        except RowsRefused as error:
            if len(waiting) == 1:
                _fail(waiting, error)
                return
            # Somebody's row is poisonous. Halving finds it in at most log2(n) steps, and the others are priced.
            middle = len(waiting) // 2
            await self._call(waiting[:middle], call)
            await self._call(waiting[middle:], call)
        except PriceImplausible as error:
            call.is_answered = True
            _share(waiting, error.estimates, error)
        except HousingPriceError as error:
            _fail(waiting, error)
        else:
            call.is_answered = True
            _share(waiting, estimates, None)


def _share(
    requests: Sequence[Request], estimates: Sequence[PriceEstimate | None], error: PriceImplausible | None
) -> None:
    """Give each request its own estimates; a request with a house that has none fails, alone."""
    # A model that breaks its promise must not shift one caller's prices to another.
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
