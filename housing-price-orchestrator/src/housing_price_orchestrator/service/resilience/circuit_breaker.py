"""A circuit breaker for one model server: stops calls to a failing server until it recovers.

The pattern is Nygard's ("Release It!"). Recovery is tested with a probe (`circuit_watch.py`), never with a caller's
request.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Final

import structlog

from housing_price_orchestrator.observability.record import current_call
from housing_price_orchestrator.shared import errors
from housing_price_orchestrator.shared.ports import Model

SERVER_FAILURES: Final = (
    errors.ModelServerUnavailable,
    errors.ModelServerBusy,
    errors.DeadlineExceeded,
    errors.ModelServerFailed,
    errors.AnswerMalformed,
    errors.AnswerIncomplete,
)
"""Errors that count against the model server. Refused rows and unusable answers are faults of the rows."""

SUSPECT_PROBE_DELAY_SECONDS: Final = 0.25
"""Delay before probing a server that failed while its circuit is still closed."""


class CircuitState(StrEnum):
    """Closed: calls pass. Open: calls are refused. Half-open: calls are refused while a probe runs."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


class Circuit:
    """Health of one model server, from the results of its calls and probes."""

    def __init__(
        self,
        address: str,
        *,
        max_failures: int,
        max_slow_calls: int,
        open_seconds: float,
        max_open_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Create a closed circuit.

        Args:
            address: of the model server.
            max_failures: failures in a row that open the circuit.
            max_slow_calls: slow calls in a row that open it.
            open_seconds: time until the first probe of an open circuit; doubles with each failed probe.
            max_open_seconds: upper limit of that time.
            clock: monotonic time in seconds.
        """
        self.address = address
        self.state = CircuitState.CLOSED
        self.opened = 0
        """Times that the circuit opened since the start."""
        self._max_failures = max_failures
        self._max_slow_calls = max_slow_calls
        self._first_open_seconds = self._open_seconds = open_seconds
        self._max_open_seconds = max_open_seconds
        self._clock = clock
        self._failures = 0
        self._slow_calls = 0
        self._probe_at = 0.0
        self._has_answered = False
        self._suspect_event = asyncio.Event()
        self._log = structlog.get_logger()

    @property
    def is_closed(self) -> bool:
        """Whether calls pass."""
        return self.state is CircuitState.CLOSED

    @property
    def is_suspect(self) -> bool:
        """Whether the latest call or probe failed or was slow."""
        return self._suspect_event.is_set()

    @property
    def seconds_until_probe(self) -> float:
        """Time until the next probe is due."""
        return max(0.0, self._probe_at - self._clock())

    async def wait_until_suspect(self) -> None:
        """Wait until a call fails or is slow."""
        await self._suspect_event.wait()

    def record_success(self) -> None:
        """Record an answer in time: resets the counters and closes the circuit."""
        self._failures = self._slow_calls = 0
        self._has_answered = True
        self._suspect_event.clear()
        if not self.is_closed:
            self.state = CircuitState.CLOSED
            self._open_seconds = self._first_open_seconds
            self._log.info("circuit closed", address=self.address)

    def record_failure(self) -> None:
        """Record a failed call or probe; may open the circuit."""
        self._failures += 1
        self._mark_suspect("failures", is_limit_reached=self._failures >= self._max_failures)

    def record_slow_call(self) -> None:
        """Record a slow call while it is still running; may open the circuit."""
        self._slow_calls += 1
        self._mark_suspect("slow calls", is_limit_reached=self._slow_calls >= self._max_slow_calls)

    def half_open(self) -> None:
        """Mark an open circuit as half-open, because a probe starts."""
        if self.state is CircuitState.OPEN:
            self.state = CircuitState.HALF_OPEN

    def _mark_suspect(self, reason: str, *, is_limit_reached: bool) -> None:
        if self.state is CircuitState.OPEN:
            # Calls that were in flight when the circuit opened add no information.
            return
        now = self._clock()
        if self.state is CircuitState.HALF_OPEN:
            self._open_seconds = min(2 * self._open_seconds, self._max_open_seconds)
            self.state = CircuitState.OPEN
        elif is_limit_reached:
            self.opened += 1
            self.state = CircuitState.OPEN
            # A server that has never answered is still starting, which is normal.
            log = self._log.warning if self._has_answered else self._log.info
            log("circuit opened", address=self.address, why=reason)
        self._probe_at = now + (SUSPECT_PROBE_DELAY_SECONDS if self.is_closed else self._open_seconds)
        self._suspect_event.set()


class CircuitBreakerModel[Question, Answer]:
    """Passes calls on while the circuit is closed, and records their results in it.

    Promises to refuse at once, without a call, while the circuit is open or half-open.
    """

    def __init__(self, model: Model[Question, Answer], circuit: Circuit, *, slow_seconds: float) -> None:
        """Guard `model` with `circuit`; a call is slow after `slow_seconds`."""
        self._model = model
        self._slow_seconds = slow_seconds
        self.circuit = circuit

    async def answer(self, questions: Sequence[Question], /) -> Sequence[Answer]:
        """See `Model.answer`; raises `CircuitOpen` at once unless the circuit is closed."""
        if not questions:
            return []
        circuit = self.circuit
        if not circuit.is_closed:
            raise errors.CircuitOpen(circuit.address, circuit.seconds_until_probe)
        is_slow = False

        def record_slow_call() -> None:
            nonlocal is_slow
            is_slow = True
            circuit.record_slow_call()

        # A timer, because callers cancel the call at their deadline: a slow call may never return.
        timer = asyncio.get_running_loop().call_later(self._slow_seconds, record_slow_call)
        try:
            answers = await self._model.answer(questions)
        except SERVER_FAILURES:
            if not is_slow:
                circuit.record_failure()
            raise
        except errors.ModelAnswerUnusable:
            if not is_slow:
                circuit.record_success()
            raise
        else:
            if not is_slow:
                circuit.record_success()
            return answers
        finally:
            timer.cancel()
            call = current_call.get()
            if call is not None:
                call.circuit = circuit.state
