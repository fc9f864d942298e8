"""One model per answer, also while model servers are being swapped."""

from collections import Counter
from collections.abc import Sequence

from housing_price_orchestrator.shared.errors import ModelChanged
from housing_price_orchestrator.shared.ports import ModelIdentity, PriceEstimate, PriceModel
from housing_price_orchestrator.shared.view.record import AnyHouse

MAX_ROUNDS = 5
"""Maximum number of repeated calls. With two model servers that each answer half of the calls, one batch in 32 still
fails. A deadline can end it earlier."""


class OneModelPriceModel:
    """Reprices the houses that a minority model priced.

    A large batch takes several calls. During a rolling swap different models may answer them, and their prices are not
    comparable. Promises that all estimates of an answer have the same `model`.
    """

    def __init__(self, model: PriceModel) -> None:
        """Price with `model`, which may change between calls."""
        self._model = model

    async def answer(self, houses: Sequence[AnyHouse], /) -> Sequence[PriceEstimate]:
        """See `Model.answer`; raises `ModelChanged` after `MAX_ROUNDS` without one common model."""
        estimates = await self._model.answer(houses)
        if len(houses) <= 1 or len(_models_of(estimates)) == 1:
            return estimates
        wanted = _most_frequent(estimates)
        for _ in range(MAX_ROUNDS):
            others = [at for at, estimate in enumerate(estimates) if estimate.model != wanted]
            if not others:
                return estimates
            again = await self._model.answer([houses[at] for at in others])
            estimates = list(estimates)
            for at, estimate in zip(others, again, strict=True):
                estimates[at] = estimate
            # Aim for the model that answered now: the earlier one may be gone.
            wanted = _most_frequent(again)
        if len(_models_of(estimates)) > 1:
            raise ModelChanged(f"several models answered, also after {MAX_ROUNDS} repeated calls")
        return estimates


def _models_of(estimates: Sequence[PriceEstimate]) -> set[ModelIdentity]:
    """Return the distinct models. Deduplicates by object first: estimates of one call share the identity."""
    models = [estimate.model for estimate in estimates]
    return set(dict(zip(map(id, models), models, strict=True)).values())


def _most_frequent(estimates: Sequence[PriceEstimate]) -> ModelIdentity:
    """Return the model that made the most prices."""
    return Counter(estimate.model for estimate in estimates).most_common(1)[0][0]
