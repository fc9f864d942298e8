"""Requests that wait for a call, and the calls that carry them."""

import asyncio
import math
import time
from collections import deque
from collections.abc import Sequence

from housing_price_orchestrator.observability.record import RequestRecord, current_request
from housing_price_orchestrator.service.resilience.throughput import Throughput
from housing_price_orchestrator.shared.deadline import current_deadline
from housing_price_orchestrator.shared.errors import DeadlineExceeded
from housing_price_orchestrator.shared.ports import PriceEstimate
from housing_price_orchestrator.shared.view.record import AnyHouse


class Request:
    """Houses of one caller that stay together in one call, and where their prices are awaited."""

    __slots__ = ("answer", "asked_at", "call", "deadline", "houses", "record", "sent_at")

    def __init__(self, houses: Sequence[AnyHouse], answer: asyncio.Future[Sequence[PriceEstimate]]) -> None:
        """Ask about `houses`, for the request and with the deadline of the running task."""
        self.houses = houses
        self.answer = answer
        self.call: Call | None = None
        self.record: RequestRecord | None = current_request.get()
        self.deadline: float | None = current_deadline.get()
        self.asked_at = self.sent_at = time.monotonic()

    def was_sent(self, now: float) -> None:
        """Note how long it waited for a call."""
        self.sent_at = now
        if self.record is not None:
            # Of a batch, the slowest piece speaks for the whole: the pieces wait side by side.
            self.record.queue_seconds = max(self.record.queue_seconds, now - self.asked_at)

    def was_answered(self, now: float) -> None:
        """Note how long its call took."""
        if self.record is not None:
            self.record.model_seconds = max(self.record.model_seconds, now - self.sent_at)

    def is_left(self, now: float) -> None:
        """Note that its caller has gone: what it waited for until now is all that there is to tell."""
        if self.call is None:
            self.was_sent(now)
        else:
            self.was_answered(now)


class Call:
    """Requests that are sent together."""

    __slots__ = ("is_answered", "requests", "rows", "sent_at", "task")

    def __init__(self, requests: list[Request]) -> None:
        """Carry `requests`."""
        self.requests = requests
        self.rows = sum(len(request.houses) for request in requests)
        self.is_answered = False
        self.sent_at = time.monotonic()
        self.task: asyncio.Task[None] | None = None
        for request in requests:
            request.call = self
            request.was_sent(self.sent_at)

    @property
    def is_abandoned(self) -> bool:
        """Whether nobody waits for it any more."""
        return all(request.answer.done() for request in self.requests)

    def cancel(self) -> None:
        """Stop it."""
        if self.task is not None:
            self.task.cancel()


class Lane:
    """Requests of one kind: those that wait, in their order, and what is known about their calls."""

    def __init__(self, *, min_rows: int, max_rows: int, call_seconds: float) -> None:
        """Have calls of up to `max_rows`, or of as few as `min_rows` where more would take over `call_seconds`."""
        self.calls = 0
        self.rows_under_way = 0
        self.waiting_rows = 0
        self.throughput = Throughput()
        self._queue: deque[Request] = deque()
        self._min_rows = min_rows
        self._max_rows = max_rows
        self._call_seconds = call_seconds

    @property
    def waiting(self) -> int:
        """How many requests wait."""
        return sum(not request.answer.done() for request in self._queue)

    @property
    def rows_per_call(self) -> int:
        """How many rows a call carries at the most, given what the model server does."""
        return int(min(self._max_rows, max(self._min_rows, self.throughput.rows_within(self._call_seconds))))

    def seconds_until_answered(self, rows: int) -> float | None:
        """Expect how long a request that comes now takes; None where nothing is known because nothing had to wait."""
        rate = self.throughput.rows_per_second
        if rate is None or not rate:
            return None
        ahead = self.waiting_rows + self.rows_under_way + rows
        # A few slow calls with little in them make a low rate, and the next one carries more: so many calls it takes,
        # each as long as calls may take or have taken, beside the one that is under way.
        calls = math.ceil(ahead / self.rows_per_call) + 1
        return min(ahead / rate, calls * max(self._call_seconds, self.throughput.call_seconds))

    def add(self, request: Request) -> None:
        """Have a request wait."""
        self._queue.append(request)
        self.waiting_rows += len(request.houses)

    def forget(self, request: Request) -> None:
        """Wait no more for a request whose caller has gone."""
        self.waiting_rows -= len(request.houses)
        request.houses = ()

    def next_call(self) -> Call | None:
        """Take what fits into one call, without those who have left and those who cannot be answered in time."""
        taken: list[Request] = []
        rows = 0
        limit = self.rows_per_call
        # Who has less time left than a call takes would only make it longer for the others; where there are no others,
        # the call finds out whether it still takes so long.
        too_late = time.monotonic() + (self.throughput.call_seconds if self.calls else 0.0)
        while self._queue and (not taken or rows + len(self._queue[0].houses) <= limit):
            request = self._queue.popleft()
            self.waiting_rows -= len(request.houses)
            if request.answer.done():
                continue
            if request.deadline is not None and request.deadline < too_late:
                request.is_left(time.monotonic())
                request.answer.set_exception(DeadlineExceeded("its time was nearly over when its turn came"))
                continue
            taken.append(request)
            rows += len(request.houses)
        return Call(taken) if taken else None

    def has_left(self, call: Call) -> None:
        """Note that a call is under way."""
        self.calls += 1
        self.rows_under_way += call.rows
        self.throughput.others_wait(is_so=bool(self._queue))

    def has_returned(self, call: Call, *, is_given_up: bool) -> None:
        """Note that a call is back: answered, failed, or given up because all of its callers have gone."""
        seconds = time.monotonic() - call.sent_at
        # A failure tells nothing about speed, and who leaves early neither; a call that lasted too long does.
        if call.is_answered or (is_given_up and seconds > self.throughput.call_seconds):
            self.throughput.note(call.rows, seconds, is_answered=call.is_answered)
        else:
            self.throughput.is_interrupted()
        self.calls -= 1
        self.rows_under_way -= call.rows
