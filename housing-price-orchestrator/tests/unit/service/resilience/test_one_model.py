from collections.abc import Callable, Sequence

import pytest

from factories import houses
from fakes import FakePriceModel
from housing_price_orchestrator.service.resilience.coalescing import CoalescingPriceModel
from housing_price_orchestrator.service.resilience.one_model import MAX_ROUNDS, OneModelPriceModel
from housing_price_orchestrator.shared.errors import ModelChanged
from housing_price_orchestrator.shared.ports import ModelIdentity, PriceEstimate
from housing_price_orchestrator.shared.view.house import House

pytestmark = pytest.mark.anyio

OLD, NEW = ModelIdentity("fake", "1", "old"), ModelIdentity("fake", "2", "new")


class Changing(FakePriceModel):
    """Says by a rule which model answers its n-th call."""

    def __init__(self, model_of_call: Callable[[int], ModelIdentity]) -> None:
        super().__init__()
        self._model_of_call = model_of_call

    async def price(self, houses: Sequence[House], /) -> Sequence[PriceEstimate]:
        self.identity = self._model_of_call(len(self.asked))
        return await super().price(houses)


def in_calls_of(rows: int, behind: FakePriceModel) -> OneModelPriceModel:
    return OneModelPriceModel(CoalescingPriceModel(behind, max_rows=rows, max_calls=2))


async def test_what_one_model_priced_is_asked_for_once() -> None:
    behind = Changing(lambda _call: OLD)
    assert len(await in_calls_of(10, behind).price(houses(35))) == 35
    assert len(behind.asked) == 4


@pytest.mark.parametrize("changes_at", [1, 2, 3])
async def test_a_batch_during_which_the_model_is_exchanged_is_priced_by_one_model(changes_at: int) -> None:
    some = houses(35)
    behind = Changing(lambda call: OLD if call < changes_at else NEW)
    answered = await in_calls_of(10, behind).price(some)
    assert len({estimate.model for estimate in answered}) == 1
    # Each price is still the one of the house in its place.
    alone = FakePriceModel()
    assert [one.price_usd for one in answered] == [one.price_usd for one in await alone.price(some)]


async def test_two_models_that_take_turns_come_to_one_in_the_end() -> None:
    behind = Changing(lambda call: (OLD, NEW)[call % 2])
    answered = await in_calls_of(10, behind).price(houses(30))
    assert len({estimate.model for estimate in answered}) == 1


async def test_models_that_never_agree_are_an_error_and_no_mixture() -> None:
    behind = Changing(lambda call: ModelIdentity("fake", str(call), f"model-{call}"))
    with pytest.raises(ModelChanged):
        await in_calls_of(10, behind).price(houses(30))
    assert len(behind.asked) <= 3 * (MAX_ROUNDS + 1)


async def test_a_single_house_is_never_asked_for_twice() -> None:
    behind = Changing(lambda call: (OLD, NEW)[call % 2])
    (estimate,) = await OneModelPriceModel(behind).price(houses(1))
    assert estimate.model == OLD
    assert len(behind.asked) == 1
