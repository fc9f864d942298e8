"""Wrappers around a model that record metrics: prices for callers, and calls to model servers."""

import asyncio
import time
from collections.abc import Sequence

from housing_price_orchestrator.observability.instruments import Number
from housing_price_orchestrator.observability.metrics import Metrics
from housing_price_orchestrator.shared.errors import HousingPriceError
from housing_price_orchestrator.shared.ports import Model, ModelIdentity, ModelKind, PriceEstimate, PriceModel
from housing_price_orchestrator.shared.view.record import AnyHouse


class CountedPrices:
    """Counts the prices returned to callers, by model version, and their distribution."""

    def __init__(self, model: PriceModel, metrics: Metrics) -> None:
        """Count the prices of `model`."""
        self._model = model
        self._metrics = metrics
        self._distribution = metrics.price_usd.with_labels()
        self._identity: ModelIdentity | None = None
        self._number = Number()

    async def answer(self, houses: Sequence[AnyHouse], /) -> Sequence[PriceEstimate]:
        """See `Model.answer`."""
        estimates = await self._model.answer(houses)
        observe = self._distribution.observe
        for estimate in estimates:
            observe(estimate.price_usd)
            if estimate.model is not self._identity:
                self._identity = estimate.model
                self._number = self._metrics.prices.with_labels(estimate.model.version, estimate.model.id)
            self._number.value += 1
        return estimates


class CountedCalls[Question, Answer]:
    """Measures calls to the model servers, retries included: duration, outcome and number of questions."""

    def __init__(self, model: Model[Question, Answer], metrics: Metrics, kind: ModelKind) -> None:
        """Measure the calls of `model`, which is of this kind."""
        self._model = model
        self._kind = kind
        self._seconds = metrics.call_seconds
        self._rows = metrics.call_rows.with_labels(kind)

    async def answer(self, questions: Sequence[Question], /) -> Sequence[Answer]:
        """See `Model.answer`."""
        started_at = time.perf_counter()
        outcome = "defect"
        try:
            answers = await self._model.answer(questions)
            outcome = "priced"
        except asyncio.CancelledError:
            outcome = "cancelled"
            raise
        except HousingPriceError as error:
            outcome = type(error).__name__
            raise
        finally:
            self._seconds.with_labels(outcome, self._kind).observe(time.perf_counter() - started_at)
            self._rows.observe(len(questions))
        return answers
