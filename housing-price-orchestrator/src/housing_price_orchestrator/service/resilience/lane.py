"""A queue of requests, and the calls that carry them to the model server."""

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable, Hashable, Sequence

from housing_price_orchestrator.observability.record import RequestRecord, current_request
from housing_price_orchestrator.service.resilience.throughput import Throughput
from housing_price_orchestrator.shared.deadline import current_deadline
from housing_price_orchestrator.shared.errors import DeadlineExceeded


class Request[Question, Answer]:
    """Questions of one caller that travel in one call, and the future for their answers."""

    __slots__ = ("answer", "call", "deadline", "questions", "queued_at", "record", "sent_at")

    def __init__(self, questions: Sequence[Question], answer: asyncio.Future[Sequence[Answer]]) -> None:
        """Create a request with the deadline and the request record of the running task."""
        self.questions = questions
        self.answer = answer
        self.call: Call[Question, Answer] | None = None
        self.record: RequestRecord | None = current_request.get()
        self.deadline: float | None = current_deadline.get()
        self.queued_at = self.sent_at = time.monotonic()

    def record_sent(self, now: float) -> None:
        """Record the time in the queue."""
        self.sent_at = now
        if self.record is not None:
            # The pieces of a batch wait in parallel, so the slowest one determines the time of the batch.
            self.record.queue_seconds = max(self.record.queue_seconds, now - self.queued_at)

    def record_answered(self, now: float) -> None:
        """Record the time in the call."""
        if self.record is not None:
            self.record.model_seconds = max(self.record.model_seconds, now - self.sent_at)

    def record_abandoned(self, now: float) -> None:
        """Record the time until the caller left, in the queue or in the call."""
        if self.call is None:
            self.record_sent(now)
        else:
            self.record_answered(now)


class Call[Question, Answer]:
    """Requests that share one call."""

    __slots__ = ("is_answered", "requests", "rows", "sent_at", "task")

    def __init__(self, requests: list[Request[Question, Answer]]) -> None:
        """Create a call for `requests` and assign it to each."""
        self.requests = requests
        self.rows = sum(len(request.questions) for request in requests)
        self.is_answered = False
        self.sent_at = time.monotonic()
        self.task: asyncio.Task[None] | None = None
        for request in requests:
            request.call = self
            request.record_sent(self.sent_at)

    @property
    def is_abandoned(self) -> bool:
        """Whether every caller has left or has an answer."""
        return all(request.answer.done() for request in self.requests)

    def cancel(self) -> None:
        """Cancel the call."""
        if self.task is not None:
            self.task.cancel()


class Lane[Question, Answer]:
    """A first-in, first-out queue of requests, with the load and the throughput of its calls."""

    def __init__(
        self,
        *,
        min_rows: int,
        max_rows: int,
        call_seconds: float,
        group_of: Callable[[Question], Hashable] | None = None,
    ) -> None:
        """Create an empty lane.

        Calls carry up to `max_rows` rows, and fewer (at least `min_rows`) if `max_rows` would take over `call_seconds`.
        Requests share a call only if `group_of` returns the same for their first questions.
        """
        self.calls = 0
        self.rows_in_flight = 0
        self.waiting_rows = 0
        self.throughput = Throughput()
        self._queue: deque[Request[Question, Answer]] = deque()
        self._min_rows = min_rows
        self._max_rows = max_rows
        self._call_seconds = call_seconds
        self._group_of = group_of

    @property
    def waiting(self) -> int:
        """Number of waiting requests."""
        return sum(not request.answer.done() for request in self._queue)

    @property
    def rows_per_call(self) -> int:
        """Maximum rows of the next call, at the current throughput."""
        return int(min(self._max_rows, max(self._min_rows, self.throughput.max_rows_within(self._call_seconds))))

    def seconds_until_answered(self, rows: int) -> float | None:
        """Estimate the time to answer a new request of `rows` questions; None without a recent backlog."""
        rate = self.throughput.rows_per_second
        if rate is None or not rate:
            return None
        ahead = self.waiting_rows + self.rows_in_flight + rows
        # A few slow, small calls make the rate too low, although the next call carries more. So the estimate is at most
        # the number of calls needed, plus the one in flight, times the duration of a call.
        calls = math.ceil(ahead / self.rows_per_call) + 1
        return min(ahead / rate, calls * max(self._call_seconds, self.throughput.call_seconds))

    def add(self, request: Request[Question, Answer]) -> None:
        """Append a request to the queue."""
        self._queue.append(request)
        self.waiting_rows += len(request.questions)

    def remove(self, request: Request[Question, Answer]) -> None:
        """Drop a queued request whose caller has left."""
        self.waiting_rows -= len(request.questions)
        request.questions = ()

    def next_call(self) -> Call[Question, Answer] | None:
        """Take the next requests that fit into one call; None if none is left.

        Skips requests whose callers have left, and fails those whose deadline comes before the answer.
        """
        taken: list[Request[Question, Answer]] = []
        rows = 0
        limit = self.rows_per_call
        # A request with less time left than a call takes would only slow the others down. With no call in flight it is
        # sent all the same, to measure the duration again.
        earliest_answer = time.monotonic() + (self.throughput.call_seconds if self.calls else 0.0)
        while self._queue and (not taken or rows + len(self._queue[0].questions) <= limit):
            if taken and self._group_of is not None and not self._is_in_group_of(taken[0], self._queue[0]):
                break
            request = self._queue.popleft()
            self.waiting_rows -= len(request.questions)
            if request.answer.done():
                continue
            if request.deadline is not None and request.deadline < earliest_answer:
                request.record_abandoned(time.monotonic())
                request.answer.set_exception(
                    DeadlineExceeded("the deadline was too close when the request left the queue")
                )
                continue
            taken.append(request)
            rows += len(request.questions)
        return Call(taken) if taken else None

    def _is_in_group_of(self, first: Request[Question, Answer], other: Request[Question, Answer]) -> bool:
        # A request whose caller has left has no questions any more.
        group_of = self._group_of
        return group_of is None or not other.questions or group_of(first.questions[0]) == group_of(other.questions[0])

    def record_sent(self, call: Call[Question, Answer]) -> None:
        """Record that a call was sent."""
        self.calls += 1
        self.rows_in_flight += call.rows
        self.throughput.set_backlog(is_waiting=bool(self._queue))

    def record_returned(self, call: Call[Question, Answer], *, is_cancelled: bool) -> None:
        """Record that a call ended: answered, failed, or cancelled because all callers left."""
        seconds = time.monotonic() - call.sent_at
        # Failures and early cancellations say nothing about speed; a cancelled call that was slower than usual does.
        if call.is_answered or (is_cancelled and seconds > self.throughput.call_seconds):
            self.throughput.record_call(call.rows, seconds, is_answered=call.is_answered)
        else:
            self.throughput.record_failure()
        self.calls -= 1
        self.rows_in_flight -= call.rows
