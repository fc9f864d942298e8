import asyncio

import pytest

from factories import houses
from fakes import FakeClock, FakePriceModel
from housing_price_orchestrator.provider.balancing import SHUNNED_SECONDS, BalancedPriceModel
from housing_price_orchestrator.shared.errors import ModelServerFailed, ModelServerUnavailable

pytestmark = pytest.mark.anyio


async def test_the_model_server_with_the_fewest_rows_to_price_is_asked() -> None:
    gate = asyncio.Event()
    first, second = FakePriceModel(gate=gate), FakePriceModel(gate=gate)
    model = BalancedPriceModel([first, second])
    tasks = []
    for count in (5, 2, 2, 2):
        tasks.append(asyncio.create_task(model.price(houses(count))))
        await asyncio.sleep(0)
    gate.set()
    await asyncio.gather(*tasks)
    assert [len(call) for call in first.asked] == [5]
    assert [len(call) for call in second.asked] == [2, 2, 2]


async def test_the_next_model_server_is_asked_where_one_is_away() -> None:
    away, there = FakePriceModel(error=ModelServerUnavailable("away")), FakePriceModel()
    model = BalancedPriceModel([away, there])
    assert len(await model.price(houses(3))) == 3


async def test_a_model_server_that_was_away_is_passed_over_for_a_while_and_then_asked_again() -> None:
    clock = FakeClock()
    away, there = FakePriceModel(error=ModelServerUnavailable("away")), FakePriceModel()
    model = BalancedPriceModel([away, there], clock=clock)
    for _ in range(3):
        await model.price(houses(1))
    assert len(away.asked) == 1
    clock.passes(SHUNNED_SECONDS)
    await model.price(houses(1))
    assert len(away.asked) == 2


async def test_when_all_are_away_the_error_says_so_and_each_was_asked_once() -> None:
    servers = [FakePriceModel(error=ModelServerUnavailable("away")) for _ in range(3)]
    with pytest.raises(ModelServerUnavailable):
        await BalancedPriceModel(servers).price(houses(1))
    assert [len(server.asked) for server in servers] == [1, 1, 1]


async def test_an_answer_that_is_unusable_is_not_asked_of_another() -> None:
    failing, other = FakePriceModel(error=ModelServerFailed("500")), FakePriceModel()
    with pytest.raises(ModelServerFailed):
        await BalancedPriceModel([failing, other]).price(houses(1))
    assert other.asked == []
