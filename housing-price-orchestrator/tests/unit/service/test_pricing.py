import pytest

from factories import house, houses
from fakes import FakePriceModel
from housing_price_orchestrator.service.pricing import Pricing
from housing_price_orchestrator.shared.errors import ModelServerBusy

pytestmark = pytest.mark.anyio


async def test_one_house_is_one_question() -> None:
    model = FakePriceModel()
    estimate = await Pricing(model).price(house())
    assert [estimate] == list(await FakePriceModel().price([house()]))
    assert model.asked == [(house(),)]


async def test_many_houses_keep_their_order() -> None:
    estimates = await Pricing(FakePriceModel()).price_all(houses(5))
    assert [estimate.price_usd for estimate in estimates] == sorted(estimate.price_usd for estimate in estimates)
    assert len({estimate.price_usd for estimate in estimates}) == 5


async def test_an_error_of_the_model_passes_through() -> None:
    pricing = Pricing(FakePriceModel(error=ModelServerBusy("busy")))
    with pytest.raises(ModelServerBusy):
        await pricing.price(house())
    with pytest.raises(ModelServerBusy):
        await pricing.price_all(houses(2))
