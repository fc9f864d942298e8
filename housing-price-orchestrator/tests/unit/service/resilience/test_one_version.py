from collections.abc import Callable, Sequence

import pytest

from factories import houses
from fakes import FakePriceModel
from housing_price_orchestrator.service.resilience.coalescing import CoalescingModel
from housing_price_orchestrator.service.resilience.one_version import MAX_ROUNDS, OneVersionModel
from housing_price_orchestrator.shared.errors import ModelChanged
from housing_price_orchestrator.shared.ports import ModelIdentity, PriceEstimate
from housing_price_orchestrator.shared.view.house import House
from housing_price_orchestrator.shared.view.record import AnyHouse

pytestmark = pytest.mark.anyio

OLD, NEW = ModelIdentity("fake", "1", "old"), ModelIdentity("fake", "2", "new")


class ChangingModel(FakePriceModel):
    """Answers the n-th call as the model that `model_of_call` returns."""

    def __init__(self, model_of_call: Callable[[int], ModelIdentity]) -> None:
        super().__init__()
        self._model_of_call = model_of_call

    async def answer(self, houses: Sequence[AnyHouse], /) -> Sequence[PriceEstimate]:
        self.identity = self._model_of_call(len(self.asked))
        return await super().answer(houses)


def one_version_in_calls_of(rows: int, behind: FakePriceModel) -> OneVersionModel[House, PriceEstimate]:
    return OneVersionModel(CoalescingModel(behind, max_rows=rows, max_calls=2))


async def test_batch_priced_by_one_model_is_priced_once() -> None:
    behind = ChangingModel(lambda _call: OLD)
    assert len(await one_version_in_calls_of(10, behind).answer(houses(35))) == 35
    assert len(behind.asked) == 4


@pytest.mark.parametrize("changes_at", [1, 2, 3])
async def test_batch_during_a_model_swap_is_priced_by_one_model(changes_at: int) -> None:
    some = houses(35)
    behind = ChangingModel(lambda call: OLD if call < changes_at else NEW)
    answered = await one_version_in_calls_of(10, behind).answer(some)
    assert len({estimate.model for estimate in answered}) == 1
    # The prices keep the order of the houses.
    alone = FakePriceModel()
    assert [one.price_usd for one in answered] == [one.price_usd for one in await alone.answer(some)]


async def test_batch_converges_when_two_models_alternate() -> None:
    behind = ChangingModel(lambda call: (OLD, NEW)[call % 2])
    answered = await one_version_in_calls_of(10, behind).answer(houses(30))
    assert len({estimate.model for estimate in answered}) == 1


async def test_models_that_never_converge_raise_model_changed() -> None:
    behind = ChangingModel(lambda call: ModelIdentity("fake", str(call), f"model-{call}"))
    with pytest.raises(ModelChanged):
        await one_version_in_calls_of(10, behind).answer(houses(30))
    assert len(behind.asked) <= 3 * (MAX_ROUNDS + 1)


async def test_single_house_is_priced_once() -> None:
    behind = ChangingModel(lambda call: (OLD, NEW)[call % 2])
    (estimate,) = await OneVersionModel(behind).answer(houses(1))
    assert estimate.model == OLD
    assert len(behind.asked) == 1
