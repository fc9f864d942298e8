"""Warns about features of a house outside the values that the answering model has seen."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Collection, Sequence
from typing import Any, Final

import structlog

from housing_price_orchestrator.shared.errors import HousingPriceError, ModelAnswerUnusable
from housing_price_orchestrator.shared.input_ranges import FeatureWarning, InputRanges
from housing_price_orchestrator.shared.ports import InputRangesSource, PriceEstimate, PriceModel
from housing_price_orchestrator.shared.view.record import AnyHouse

MAX_MODELS: Final = 16
"""Models whose ranges are kept: those in service, and those of prices that are answered from memory."""


class InputWarnings:
    """Keeps the ranges of each model in service, and compares houses with those of the model that priced them."""

    def __init__(self, row_of: Callable[[AnyHouse], Sequence[Any]]) -> None:
        """Read the values of a house, in the order of the models' rows, with `row_of`."""
        self._row_of = row_of
        self._ranges: OrderedDict[str, InputRanges | None] = OrderedDict()
        self._log = structlog.get_logger()
        self._logged: tuple[str, str] | None = None

    def warnings_of(self, house: AnyHouse, estimate: PriceEstimate) -> tuple[FeatureWarning, ...]:
        """Return the warnings for a priced house; none if the ranges of its model are unknown."""
        ranges = self._ranges.get(estimate.model.id)
        return () if ranges is None else ranges.warnings_of(self._row_of(house))

    def knows(self, model_ids: Collection[str]) -> bool:
        """Return whether the ranges of all these models were fetched, or their servers have none."""
        return all(model_id in self._ranges for model_id in model_ids)

    def ranges_of(self, model_id: str) -> InputRanges | None:
        """Return the ranges of a model; None if they are unknown."""
        return self._ranges.get(model_id)

    async def learn(self, model_id: str, sources: Sequence[InputRangesSource], *, within_seconds: float) -> None:
        """Fetch the ranges of a model, unless they are known.

        A server without usable ranges (MLServer, MLflow's own server) is not asked again for the same model. While a
        server is unavailable, the next call asks again. Raises nothing: warnings are not worth an outage.
        """
        if model_id in self._ranges:
            return
        reason = ""
        try:
            async with asyncio.timeout(within_seconds):
                for source in sources:
                    try:
                        ranges = await source.input_ranges()
                    except ModelAnswerUnusable as error:
                        reason = f"{type(error).__name__}: {error}"
                        continue
                    self._remember(ranges.model_id, ranges)
                    if ranges.model_id == model_id:
                        return
                    reason = f"expected model {model_id}, got {ranges.model_id}"
        except (HousingPriceError, TimeoutError) as error:
            self._report(model_id, f"{type(error).__name__}: {error}")
            return
        self._remember(model_id, None)
        self._report(model_id, reason)

    def _remember(self, model_id: str, ranges: InputRanges | None) -> None:
        self._ranges[model_id] = ranges
        self._ranges.move_to_end(model_id)
        while len(self._ranges) > MAX_MODELS:
            self._ranges.popitem(last=False)

    def _report(self, model_id: str, reason: str) -> None:
        if self._logged != (model_id, reason):
            self._logged = (model_id, reason)
            self._log.info("no input ranges: prices have no warnings", model_id=model_id, reason=reason)


class RangeLearningModel:
    """Wraps the probe of the model servers: learns the ranges of each model that answers, before it gets requests."""

    def __init__(
        self,
        model: PriceModel,
        warnings: InputWarnings,
        sources: Sequence[InputRangesSource],
        *,
        within_seconds: float,
    ) -> None:
        """Fetch the ranges of a new model from `sources`, one for each address of the version, `within_seconds`."""
        self._model = model
        self._warnings = warnings
        self._sources = sources
        self._within_seconds = within_seconds

    async def answer(self, houses: Sequence[AnyHouse], /) -> Sequence[PriceEstimate]:
        """See `Model.answer`."""
        estimates = await self._model.answer(houses)
        for model_id in {estimate.model.id for estimate in estimates}:
            await self._warnings.learn(model_id, self._sources, within_seconds=self._within_seconds)
        return estimates
