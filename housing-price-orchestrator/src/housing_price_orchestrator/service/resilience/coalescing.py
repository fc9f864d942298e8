"""Combines waiting requests into few calls.

A call to a model server costs nearly the same for one row as for a hundred, so waiting requests share the next call.
There is no timer: a request is sent at once while fewer than `max_calls` calls are in flight, and otherwise when the
next call returns. Group commit in databases works the same way (DeWitt et al., SIGMOD 1984).

This is correct because an answer does not depend on the other rows of the call (`Model.answer`).
"""

import asyncio
import math
import time
from collections.abc import Callable, Hashable, Sequence
from contextvars import Context
from typing import Final

from housing_price_orchestrator.observability.record import CallRecord, current_call
from housing_price_orchestrator.service.resilience.lane import Call, Lane, Request
from housing_price_orchestrator.shared.deadline import current_deadline
from housing_price_orchestrator.shared.errors import HousingPriceError, QueueFull, RowsRefused, SomeAnswersUnusable
from housing_price_orchestrator.shared.ports import Model

SMALL_ROWS: Final = 16
"""Requests of up to this many questions use a lane of their own: single requests are usually interactive."""


class CoalescingModel[Question, Answer]:
    """Answers the questions of many callers in few calls to the model behind it.

    Promises that each caller gets the answers to its own questions, and that an error caused by one caller's rows
    reaches only that caller. Small requests and pieces of large ones have a lane each. The lanes take turns and leave
    one call to each other, so neither starves. A cancelled request leaves the queue; a call without callers is
    cancelled.
    """

    def __init__(
        self,
        model: Model[Question, Answer],
        *,
        max_rows: int,
        max_calls: int,
        max_waiting_rows: int = 1_000_000,
        call_seconds: float = math.inf,
        group_of: Callable[[Question], Hashable] | None = None,
    ) -> None:
        """Combine calls to `model`.

        Args:
            model: answers the combined calls.
            max_rows: maximum questions per call.
            max_calls: maximum calls in flight.
            max_waiting_rows: maximum questions in the queue; further requests are refused with `QueueFull`.
            call_seconds: calls carry fewer rows if `max_rows` would take longer, because requests that wait behind a
                long call miss their deadlines.
            group_of: requests share a call only if this returns the same for their first questions, for a model with
                parameters that apply to a whole call; None if all requests can share a call.
        """
        self._model = model
        self._max_calls = max_calls
        self._max_waiting_rows = max_waiting_rows
        # Each lane leaves one call to the other.
        self._max_calls_per_lane = max(1, max_calls - 1)
        self._small, self._large = (
            Lane[Question, Answer](min_rows=SMALL_ROWS, max_rows=max_rows, call_seconds=call_seconds, group_of=group_of)
            for _ in range(2)
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
        """Number of questions that wait to be sent."""
        return self._small.waiting_rows + self._large.waiting_rows

    def large_rows_within(self, seconds: float) -> float:
        """Return how many rows the lane of large requests answers in `seconds`; infinite without a recent backlog."""
        rate = self._large.throughput.rows_per_second
        return math.inf if rate is None else rate * seconds

    def lane_of(self, rows: int) -> Lane[Question, Answer]:
        """Return the lane for a request of `rows` questions."""
        return self._small if rows <= SMALL_ROWS else self._large

    async def answer(self, questions: Sequence[Question], /) -> Sequence[Answer]:
        """See `Model.answer`; raises `QueueFull` if too many questions wait."""
        if not questions:
            return []
        lane = self.lane_of(len(questions))
        rows = lane.rows_per_call
        if len(questions) <= rows:
            return await self._enqueue(questions, lane)
        pieces = [questions[start : start + rows] for start in range(0, len(questions), rows)]
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._answer_piece(piece)) for piece in pieces]
        except ExceptionGroup as failures:
            # The task group cancelled the other pieces, so the first error stands for the whole batch.
            raise failures.exceptions[0] from None
        parts = [task.result() for task in tasks]
        answers = [answer for part, _ in parts for answer in part]
        for _, error in parts:
            if error is not None:
                raise type(error)("at least one question has no usable answer", answers)
        return answers

    async def _answer_piece(self, piece: Sequence[Question]) -> tuple[Sequence[Answer], SomeAnswersUnusable | None]:
        """Answer a piece of a batch; with an error, questions without a usable answer get None."""
        try:
            return await self._enqueue(piece, self._large), None
        except SomeAnswersUnusable as error:
            return error.answers, error

    async def _enqueue(self, questions: Sequence[Question], lane: Lane[Question, Answer]) -> Sequence[Answer]:
        waiting_rows = self.waiting_rows
        if waiting_rows + len(questions) > self._max_waiting_rows:
            raise QueueFull(
                f"{waiting_rows} questions are already waiting (limit {self._max_waiting_rows})",
                lane.seconds_until_answered(0),
            )
        loop = asyncio.get_running_loop()
        request: Request[Question, Answer] = Request(questions, loop.create_future())
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

    def _send(self, call: Call[Question, Answer], lane: Lane[Question, Answer]) -> None:
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
                # Break the reference cycle, so that the questions are freed without the garbage collector.
                request.call = None
                if not request.answer.done():
                    # Only unexpected errors get here: `_call` hands every `HousingPriceError` to its callers.
                    request.answer.set_exception(error or RuntimeError("the call was cancelled"))
            self._dispatch()

        call.task.add_done_callback(on_return)

    async def _call(self, requests: Sequence[Request[Question, Answer]], call: Call[Question, Answer]) -> None:
        """Send requests in one call and give each its part of the answer. Never raises a `HousingPriceError`."""
        waiting = [request for request in requests if not request.answer.done()]
        if not waiting:
            return
        questions = [question for request in waiting for question in request.questions]
        record = CallRecord(rows=len(questions))
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
                answers = await self._model.answer(questions)
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
        except SomeAnswersUnusable as error:
            call.is_answered = True
            _distribute(waiting, error.answers, error)
        except HousingPriceError as error:
            _fail(waiting, error)
        else:
            call.is_answered = True
            _distribute(waiting, answers, None)


def _distribute[Question, Answer](
    requests: Sequence[Request[Question, Answer]], answers: Sequence[Answer], error: SomeAnswersUnusable | None
) -> None:
    """Give each request its own answers; with an error, only requests with a missing answer (None) fail."""
    # A wrong number of answers must not shift answers from one caller to another.
    rows = sum(len(request.questions) for request in requests)
    if rows != len(answers):
        raise RuntimeError(f"{len(answers)} answers for {rows} questions")
    start = 0
    for request in requests:
        end = start + len(request.questions)
        part = answers[start:end]
        start = end
        if request.answer.done():
            continue
        if error is not None and None in part:
            request.answer.set_exception(type(error)(str(error), part))
        else:
            request.answer.set_result(part)


def _fail[Question, Answer](requests: Sequence[Request[Question, Answer]], error: HousingPriceError) -> None:
    for request in requests:
        if not request.answer.done():
            request.answer.set_exception(error)
