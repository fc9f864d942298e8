"""One answer, one model: what is priced together is priced by the same model, also while models are exchanged."""

from collections import Counter
from collections.abc import Sequence

from housing_price_orchestrator.shared.errors import ModelChanged
from housing_price_orchestrator.shared.ports import ModelIdentity, PriceEstimate, PriceModel
from housing_price_orchestrator.shared.view.record import AnyHouse

MAX_ROUNDS = 5
"""How often the rest is asked for: with two model servers of which each answers half of the calls, one in 32 batches is
left over. A deadline ends it earlier."""


class OneModelPriceModel:
    """Asks again for the houses whose prices another model made than those of most.

    A large batch is priced in several calls. While model servers get another model one after the other, or one of them
    between two calls, these may be answered by different models, whose prices cannot be compared with each other.
    """

    def __init__(self, model: PriceModel) -> None:
        """Ask `model`."""
        self._model = model

    async def price(self, houses: Sequence[AnyHouse], /) -> Sequence[PriceEstimate]:
        """See `PriceModel.price`; raises `ModelChanged` when different models go on answering."""
        estimates = await self._model.price(houses)
        if len(houses) <= 1 or len(_models_of(estimates)) == 1:
            return estimates
        wanted = _most_frequent(estimates)
        for _ in range(MAX_ROUNDS):
            others = [at for at, estimate in enumerate(estimates) if estimate.model != wanted]
            if not others:
                return estimates
            again = await self._model.price([houses[at] for at in others])
            estimates = list(estimates)
            for at, estimate in zip(others, again, strict=True):
                estimates[at] = estimate
            # Where it is not the one that was wanted, that one may be gone.
            wanted = _most_frequent(again)
        if len(_models_of(estimates)) > 1:
            raise ModelChanged(f"still priced by several models after {MAX_ROUNDS} further rounds")
        return estimates


def _models_of(estimates: Sequence[PriceEstimate]) -> set[ModelIdentity]:
    """Tell which models made them, without comparing each: the estimates of a call share the object."""
    models = [estimate.model for estimate in estimates]
    return set(dict(zip(map(id, models), models, strict=True)).values())


def _most_frequent(estimates: Sequence[PriceEstimate]) -> ModelIdentity:
    """Tell which model made most of the prices."""
    return Counter(estimate.model for estimate in estimates).most_common(1)[0][0]
