"""Load balancing over several model servers: least outstanding rows among the healthy ones."""

import math
import time
from collections.abc import Callable, Sequence
from typing import Final

from housing_price_orchestrator.service.resilience.circuit_breaker import CircuitBreakerModel
from housing_price_orchestrator.shared.errors import ModelServerUnavailable

COOLDOWN_SECONDS: Final = 0.5
"""Time for which a server that was unavailable ranks behind the others. A server that is shutting down still answers on
open connections and is idle, so without a cooldown it would be chosen for the retry of the call that it refused."""


class _Server[Question, Answer]:
    __slots__ = ("model", "outstanding_rows", "unavailable_at")

    def __init__(self, model: CircuitBreakerModel[Question, Answer]) -> None:
        self.model = model
        self.outstanding_rows = 0
        self.unavailable_at = -math.inf

    def rank(self, now: float) -> tuple[int, float]:
        """Return the sort key, lowest first: healthy by outstanding rows, then suspect, then open circuits."""
        circuit = self.model.circuit
        if not circuit.is_closed:
            return 2, circuit.seconds_until_probe
        return int(circuit.is_suspect or now - self.unavailable_at < COOLDOWN_SECONDS), self.outstanding_rows


class BalancedModel[Question, Answer]:
    """Sends each call to the healthiest, least loaded model.

    Promises one attempt per call: trying another model is the job of `RetryModel`.
    """

    def __init__(
        self,
        models: Sequence[CircuitBreakerModel[Question, Answer]],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Balance over `models`: at least one, all serving the same model version."""
        self._clock = clock
        self._servers = [_Server(model) for model in models]

    async def answer(self, questions: Sequence[Question], /) -> Sequence[Answer]:
        """See `Model.answer`; if every circuit is open, raises the `CircuitOpen` with the earliest probe."""
        now = self._clock()
        server = min(self._servers, key=lambda server: server.rank(now))
        server.outstanding_rows += len(questions)
        try:
            return await server.model.answer(questions)
        except ModelServerUnavailable:
            server.unavailable_at = self._clock()
            raise
        finally:
            server.outstanding_rows -= len(questions)
