"""A shadow model: prices copies of answered requests, for comparison only."""

import asyncio
import math
import random
import time
from collections import deque
from collections.abc import Sequence
from itertools import cycle
from typing import Final, NamedTuple

import structlog

from housing_price_orchestrator.observability.metrics import Metrics
from housing_price_orchestrator.shared.errors import HousingPriceError, PriceImplausible
from housing_price_orchestrator.shared.ports import PredictionLog, PriceEstimate, PriceModel
from housing_price_orchestrator.shared.view.record import AnyHouse

MAX_QUEUED_ROWS: Final = 2_000
"""Maximum number of queued copies, about 4 MB; further copies are dropped. Covers a short outage of the shadow."""

MAX_ROWS_PER_ANSWER: Final = 100
"""Maximum random sample of a batch, so that one large batch cannot fill the queue."""

MAX_ROWS_PER_CALL: Final = 100
"""Maximum rows per call: encoding them takes less than 1 ms of the event loop."""

CALL_PAUSE_SECONDS: Final = 0.1
"""Pause after each call. Copies that arrive meanwhile share the next call, so a shadow costs at most ten calls per
second under any load."""

FAILURE_PAUSE_SECONDS: Final = 1.0
"""Additional pause after a failed call."""


class _Copy(NamedTuple):
    transaction_id: str
    house: AnyHouse
    answered_usd: float


class QueuedShadow:
    """A `Shadow` that queues copies and prices them in the background, one call at a time.

    `copy` never waits and never fails: the queue is bounded, and errors of the shadow are only logged and counted.
    """

    def __init__(
        self,
        models: Sequence[PriceModel],
        *,
        sample: float,
        metrics: Metrics,
        log: PredictionLog | None = None,
        rng: random.Random | None = None,
        max_queued_rows: int = MAX_QUEUED_ROWS,
        call_pause_seconds: float = CALL_PAUSE_SECONDS,
        failure_pause_seconds: float = FAILURE_PAUSE_SECONDS,
    ) -> None:
        """Price a share of the houses with `models`, in turn.

        Args:
            models: at least one replica of the shadow version, each with a deadline of its own.
            sample: the share of the houses to copy, above 0 and up to 1.
            metrics: counts rows, calls and deviations.
            log: stores the shadow's prices; None to store none.
            rng: draws the sample.
            max_queued_rows: maximum number of queued copies.
            call_pause_seconds: pause after each call.
            failure_pause_seconds: additional pause after a failed call.
        """
        self._models = cycle(models)
        self._sample = sample
        self._metrics = metrics
        self._prices_log = log
        self._rng = rng or random.Random()  # noqa: S311 - a sample, not a secret
        self._max_queued_rows = max_queued_rows
        self._call_pause_seconds = call_pause_seconds
        self._failure_pause_seconds = failure_pause_seconds
        self._queue: deque[_Copy] = deque()
        self._priced = metrics.shadow_rows.with_labels("priced")
        self._dropped = metrics.shadow_rows.with_labels("dropped")
        self._is_failing = False
        self._log = structlog.get_logger()

    @property
    def queued_rows(self) -> int:
        """Number of queued copies."""
        return len(self._queue)

    def copy(
        self, transaction_ids: Sequence[str], houses: Sequence[AnyHouse], estimates: Sequence[PriceEstimate], /
    ) -> None:
        """See `Shadow.copy`."""
        rows = len(houses)
        # Stochastic rounding keeps the mean share exact, also for single houses.
        wanted = int(rows * self._sample + self._rng.random())
        if not wanted:
            return
        places: Sequence[int] = range(rows)
        wanted = min(wanted, MAX_ROWS_PER_ANSWER)
        if wanted < rows:
            places = self._rng.sample(places, wanted)
        room = self._max_queued_rows - len(self._queue)
        if room < wanted:
            self._dropped.value += wanted - room
            places = places[:room]
        self._queue.extend(_Copy(transaction_ids[at], houses[at], estimates[at].price_usd) for at in places)

    async def run(self) -> None:
        """Price queued copies until cancelled; the rest of the queue is then counted as dropped."""
        try:
            while True:
                # Polling keeps `copy` free of the cost of waking this task.
                await asyncio.sleep(self._call_pause_seconds)
                if self._queue and not await self._price_oldest():
                    await asyncio.sleep(self._failure_pause_seconds)
        finally:
            self._dropped.value += len(self._queue)
            self._queue.clear()

    async def _price_oldest(self) -> bool:
        """Price the oldest copies; returns whether the shadow gave at least one price."""
        copies = [self._queue.popleft() for _ in range(min(len(self._queue), MAX_ROWS_PER_CALL))]
        started_at = time.perf_counter()
        failure: Exception | None = None
        estimates: Sequence[PriceEstimate | None] = ()
        try:
            estimates = await next(self._models).answer([copy.house for copy in copies])
        except asyncio.CancelledError:
            self._dropped.value += len(copies)
            raise
        except PriceImplausible as error:
            # The other prices are usable.
            estimates, failure = error.answers, error
        except HousingPriceError as error:
            failure = error
        except Exception as error:  # noqa: BLE001 - a bug here must not end the background task
            failure = error
        self._metrics.shadow_call_seconds.observe(time.perf_counter() - started_at)
        priced = [(copy, one) for copy, one in zip(copies, estimates, strict=False) if one is not None]
        self._log_prices(priced)
        if failure is not None:
            unpriced = len(copies) - len(priced)
            reason = type(failure).__name__ if isinstance(failure, HousingPriceError) else "defect"
            self._metrics.shadow_rows.with_labels(reason).inc(unpriced)
        self._log_transition(failure)
        return failure is None or bool(priced)

    def _log_prices(self, priced: Sequence[tuple[_Copy, PriceEstimate]]) -> None:
        self._priced.value += len(priced)
        for copy, estimate in priced:
            self._metrics.shadow_deviation.observe(abs(math.log(estimate.price_usd / copy.answered_usd)))
        if self._prices_log is not None and priced:
            ids, houses = [copy.transaction_id for copy, _ in priced], [copy.house for copy, _ in priced]
            self._prices_log.record(ids, houses, [estimate for _, estimate in priced])

    def _log_transition(self, failure: Exception | None) -> None:
        """Log the first failure, and the first success after it."""
        if failure is not None and not self._is_failing:
            is_known = isinstance(failure, HousingPriceError)
            self._log.warning(
                "shadow failing",
                error=f"{type(failure).__name__}: {failure}"[:500],
                exc_info=None if is_known else failure,
            )
        elif failure is None and self._is_failing:
            self._log.info("shadow recovered")
        self._is_failing = failure is not None
