"""A shadow: a model that sees copies of what was asked, is compared with what was answered, and answers nobody."""

import asyncio
import math
import random
import time
from collections import deque
from collections.abc import Sequence
from itertools import cycle
from typing import NamedTuple

import structlog

from housing_price_orchestrator.observability.metrics import Metrics
from housing_price_orchestrator.shared.errors import HousingPriceError, PriceImplausible
from housing_price_orchestrator.shared.ports import PredictionLog, PriceEstimate, PriceModel
from housing_price_orchestrator.shared.view.record import AnyHouse

MAX_QUEUED_ROWS = 2_000
"""Copies that may wait, about 4 MB; what comes on top is dropped. A shadow that is away for a moment loses nothing."""

MAX_ROWS_PER_ANSWER = 100
"""Of a large batch so many houses are copied at the most, by chance: else one batch would push all others out."""

MAX_ROWS_PER_CALL = 100
"""Rows of one call: less than 1 ms of work of this process at a time."""

SECONDS_BETWEEN_CALLS = 0.1
"""The pause after each call. What was copied meanwhile goes along with the next one, so that a shadow takes ten calls a
second from what this process can do and not one for each request, however much is asked."""

SECONDS_AFTER_A_FAILURE = 1.0
"""The pause after a call that failed: what is in trouble is not asked ten times a second."""


class _Copy(NamedTuple):
    transaction_id: str
    house: AnyHouse
    answered_usd: float


class Shadowing:
    """A `Shadow` that asks models in the background, one call at a time.

    Nothing that they do reaches whoever copies: what waits is bounded, and each failure ends here.
    """

    def __init__(
        self,
        models: Sequence[PriceModel],
        *,
        sample: float,
        metrics: Metrics,
        log: PredictionLog | None = None,
        dice: random.Random | None = None,
        max_queued_rows: int = MAX_QUEUED_ROWS,
        seconds_between_calls: float = SECONDS_BETWEEN_CALLS,
        seconds_after_a_failure: float = SECONDS_AFTER_A_FAILURE,
    ) -> None:
        """Ask `models` in turn, which end each question by themselves some time, about a share of the houses.

        Args:
            models: at least one; all are the same model, and share nothing with those that answer.
            sample: the share of the houses, above 0 and up to 1.
            metrics: where it is counted.
            log: where its prices are written down; None for nowhere.
            dice: what chance is made of.
            max_queued_rows: how many copies may wait.
            seconds_between_calls: the pause after a call.
            seconds_after_a_failure: the pause after one that failed.
        """
        self._models = cycle(models)
        self._sample = sample
        self._metrics = metrics
        self._prices_log = log
        self._dice = dice or random.Random()  # noqa: S311 - a sample, not a secret
        self._max_queued_rows = max_queued_rows
        self._seconds_between_calls = seconds_between_calls
        self._seconds_after_a_failure = seconds_after_a_failure
        self._queue: deque[_Copy] = deque()
        self._priced = metrics.shadow_rows.labelled("priced")
        self._dropped = metrics.shadow_rows.labelled("dropped")
        self._is_in_trouble = False
        self._log = structlog.get_logger()

    @property
    def queued_rows(self) -> int:
        """How many copies wait."""
        return len(self._queue)

    def copy(
        self, transaction_ids: Sequence[str], houses: Sequence[AnyHouse], estimates: Sequence[PriceEstimate], /
    ) -> None:
        """See `Shadow.copy`."""
        rows = len(houses)
        # By chance one up or down, so that the share is right in the mean, of single houses too.
        wanted = int(rows * self._sample + self._dice.random())
        if not wanted:
            return
        places: Sequence[int] = range(rows)
        wanted = min(wanted, MAX_ROWS_PER_ANSWER)
        if wanted < rows:
            places = self._dice.sample(places, wanted)
        room = self._max_queued_rows - len(self._queue)
        if room < wanted:
            self._dropped.value += wanted - room
            places = places[:room]
        self._queue.extend(_Copy(transaction_ids[at], houses[at], estimates[at].price_usd) for at in places)

    async def keep_pricing(self) -> None:
        """Price what was copied until cancelled; what waits then is dropped."""
        try:
            while True:
                # Nobody is waited for by name: to wake somebody would be work of the request that copies.
                await asyncio.sleep(self._seconds_between_calls)
                if self._queue and not await self._price_some():
                    await asyncio.sleep(self._seconds_after_a_failure)
        finally:
            self._dropped.value += len(self._queue)
            self._queue.clear()

    async def _price_some(self) -> bool:
        """Price what has waited longest; tells whether there was an answer."""
        copies = [self._queue.popleft() for _ in range(min(len(self._queue), MAX_ROWS_PER_CALL))]
        started_at = time.perf_counter()
        failure: Exception | None = None
        estimates: Sequence[PriceEstimate | None] = ()
        try:
            estimates = await next(self._models).price([copy.house for copy in copies])
        except asyncio.CancelledError:
            self._dropped.value += len(copies)
            raise
        except PriceImplausible as error:
            # The others are good.
            estimates, failure = error.estimates, error
        except HousingPriceError as error:
            failure = error
        except Exception as error:  # noqa: BLE001 - a defect here must not end the shadow, nor be anybody's problem
            failure = error
        self._metrics.shadow_call_seconds.observe(time.perf_counter() - started_at)
        good = [(copy, one) for copy, one in zip(copies, estimates, strict=False) if one is not None]
        self._take_down(good)
        if failure is not None:
            lost = len(copies) - len(good)
            reason = type(failure).__name__ if isinstance(failure, HousingPriceError) else "defect"
            self._metrics.shadow_rows.labelled(reason).inc(lost)
        self._note(failure)
        return failure is None or bool(good)

    def _take_down(self, priced: Sequence[tuple[_Copy, PriceEstimate]]) -> None:
        self._priced.value += len(priced)
        for copy, estimate in priced:
            self._metrics.shadow_deviation.observe(abs(math.log(estimate.price_usd / copy.answered_usd)))
        if self._prices_log is not None and priced:
            ids, houses = [copy.transaction_id for copy, _ in priced], [copy.house for copy, _ in priced]
            self._prices_log.record(ids, houses, [estimate for _, estimate in priced])

    def _note(self, failure: Exception | None) -> None:
        """Say when the trouble begins, and when it is over, and not in between."""
        if failure is not None and not self._is_in_trouble:
            is_known = isinstance(failure, HousingPriceError)
            self._log.warning(
                "the shadow is in trouble",
                error=f"{type(failure).__name__}: {failure}"[:500],
                exc_info=None if is_known else failure,
            )
        elif failure is None and self._is_in_trouble:
            self._log.info("the shadow answers again")
        self._is_in_trouble = failure is not None
