"""A circuit breaker for one model server: what fails again and again is left alone until it is well.

The pattern is Nygard's ("Release It!"). Here nobody's request is gambled: whether the model server is well again is
found out with a question of our own (`service/resilience/circuit_watch.py`).
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from enum import StrEnum

import structlog

from housing_price_orchestrator.observability.record import current_call
from housing_price_orchestrator.shared import errors
from housing_price_orchestrator.shared.ports import PriceEstimate, PriceModel
from housing_price_orchestrator.shared.view.record import AnyHouse

FAILURES = (
    errors.ModelServerUnavailable,
    errors.ModelServerBusy,
    errors.DeadlineExceeded,
    errors.ModelServerFailed,
    errors.AnswerMalformed,
    errors.AnswerIncomplete,
)
"""What speaks against the model server. Rows it does not take and prices that make no sense speak against the rows."""

SUSPECT_SECONDS = 0.25
"""So long after a failure a model server that still has the benefit of the doubt is asked by us."""


class CircuitState(StrEnum):
    """Whether calls pass."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


class Circuit:
    """What is known about the health of one model server."""

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
        """Open after so many failures or slow calls in a row, at first for `open_seconds`.

        Each time that it turns out to be too early the time doubles, up to `max_open_seconds`.
        """
        self.address = address
        self.state = CircuitState.CLOSED
        self.opened = 0
        """How often it opened, since the start."""
        self._max_failures = max_failures
        self._max_slow_calls = max_slow_calls
        self._first_open_seconds = self._open_seconds = open_seconds
        self._max_open_seconds = max_open_seconds
        self._clock = clock
        self._failures = 0
        self._slow_calls = 0
        self._ask_at = 0.0
        self._is_troubled = asyncio.Event()
        self._log = structlog.get_logger()

    @property
    def is_closed(self) -> bool:
        """Whether calls pass."""
        return self.state is CircuitState.CLOSED

    @property
    def is_troubled(self) -> bool:
        """Whether the last thing that is known about the model server speaks against it."""
        return self._is_troubled.is_set()

    @property
    def seconds_left(self) -> float:
        """The time until somebody looks at the model server again."""
        return max(0.0, self._ask_at - self._clock())

    async def is_in_trouble(self) -> None:
        """Wait until something speaks against the model server."""
        await self._is_troubled.wait()

    def succeeded(self) -> None:
        """Note an answer in good time: whatever was, it is well now."""
        self._failures = self._slow_calls = 0
        self._is_troubled.clear()
        if not self.is_closed:
            self.state = CircuitState.CLOSED
            self._open_seconds = self._first_open_seconds
            self._log.info("circuit closed", address=self.address)

    def failed(self) -> None:
        """Note a failure."""
        self._failures += 1
        self._is_suspect("failures", is_too_much=self._failures >= self._max_failures)

    def was_slow(self) -> None:
        """Note a call that takes too long, as soon as it does and whether or not an answer will come."""
        self._slow_calls += 1
        self._is_suspect("slow calls", is_too_much=self._slow_calls >= self._max_slow_calls)

    def half_open(self) -> None:
        """Note that a single question is being asked to find out whether it is well."""
        if self.state is CircuitState.OPEN:
            self.state = CircuitState.HALF_OPEN

    def _is_suspect(self, why: str, *, is_too_much: bool) -> None:
        if self.state is CircuitState.OPEN:
            # What was under way when it opened tells nothing new.
            return
        now = self._clock()
        if self.state is CircuitState.HALF_OPEN:
            self._open_seconds = min(2 * self._open_seconds, self._max_open_seconds)
            self.state = CircuitState.OPEN
        elif is_too_much:
            self.opened += 1
            self.state = CircuitState.OPEN
            self._log.warning("circuit opened", address=self.address, why=why)
        self._ask_at = now + (SUSPECT_SECONDS if self.is_closed else self._open_seconds)
        self._is_troubled.set()


class CircuitBreakerPriceModel:
    """Passes calls on while the circuit is closed, and tells the circuit how they went."""

    def __init__(self, model: PriceModel, circuit: Circuit, *, slow_seconds: float) -> None:
        """Ask `model`, whose model server `circuit` is about; a call is slow from `slow_seconds` on."""
        self._model = model
        self._slow_seconds = slow_seconds
        self.circuit = circuit

    async def price(self, houses: Sequence[AnyHouse], /) -> Sequence[PriceEstimate]:
        """See `PriceModel.price`; raises `CircuitOpen`, at once, where the model server is being left alone."""
        if not houses:
            return []
        circuit = self.circuit
        if not circuit.is_closed:
            raise errors.CircuitOpen(circuit.address, circuit.seconds_left)
        is_slow = False

        def is_slow_now() -> None:
            nonlocal is_slow
            is_slow = True
            circuit.was_slow()

        # The time counts and not the end: callers who give up at their deadline cancel the call.
        timer = asyncio.get_running_loop().call_later(self._slow_seconds, is_slow_now)
        try:
            estimates = await self._model.price(houses)
        except FAILURES:
            if not is_slow:
                circuit.failed()
            raise
        except errors.ModelAnswerUnusable:
            if not is_slow:
                circuit.succeeded()
            raise
        else:
            if not is_slow:
                circuit.succeeded()
            return estimates
        finally:
            timer.cancel()
            call = current_call.get()
            if call is not None:
                call.circuit = circuit.state
