import asyncio

import pytest

from factories import house, houses
from fakes import FakeClock, FakePriceModel
from housing_price_orchestrator.provider.balancing import SHUNNED_SECONDS, BalancedPriceModel
from housing_price_orchestrator.shared.errors import (
    ModelServerBusy,
    ModelServerFailed,
    ModelServerUnavailable,
    RowsRefused,
)

pytestmark = pytest.mark.anyio


async def test_the_one_with_the_fewest_rows_under_way_is_asked() -> None:
    gate = asyncio.Event()
    first, second = FakePriceModel(gate=gate), FakePriceModel(gate=gate)
    model = BalancedPriceModel([first, second])
    async with asyncio.TaskGroup() as group:
        group.create_task(model.price(houses(10)))
        await first.has_been_asked()
        group.create_task(model.price(houses(3)))
        await second.has_been_asked()
        # Three rows are fewer than ten, so the next goes there as well.
        group.create_task(model.price([house()]))
        await second.has_been_asked(times=2)
        gate.set()
    assert (len(first.asked), len(second.asked)) == (1, 2)


async def test_where_one_is_away_the_next_is_asked() -> None:
    away, there = FakePriceModel(error=ModelServerUnavailable("away")), FakePriceModel()
    estimates = await BalancedPriceModel([away, there]).price(houses(2))
    assert list(estimates) == list(await there.price(houses(2)))


async def test_one_that_was_away_is_left_alone_for_a_while_and_then_asked_again() -> None:
    clock = FakeClock()
    away, there = FakePriceModel(error=ModelServerUnavailable("away")), FakePriceModel()
    model = BalancedPriceModel([away, there], clock=clock)
    for _ in range(3):
        await model.price([house()])
    assert len(away.asked) == 1
    clock.passes(SHUNNED_SECONDS + 0.1)
    away.error = None
    await model.price([house()])
    assert len(away.asked) == 2


async def test_where_all_are_away_each_is_asked_and_the_error_says_so() -> None:
    away = [FakePriceModel(error=ModelServerUnavailable("away")) for _ in range(3)]
    model = BalancedPriceModel(away)
    for times in (1, 2):
        with pytest.raises(ModelServerUnavailable):
            await model.price([house()])
        assert [len(one.asked) for one in away] == [times] * 3


@pytest.mark.parametrize("kind", [ModelServerFailed, ModelServerBusy, RowsRefused])
async def test_an_error_that_does_not_pass_by_itself_is_not_tried_elsewhere(kind: type[Exception]) -> None:
    failing, other = FakePriceModel(error=kind("no")), FakePriceModel()
    with pytest.raises(kind):
        await BalancedPriceModel([failing, other]).price([house()])
    assert other.asked == []


async def test_a_caller_who_leaves_weighs_on_nobody() -> None:
    first, second = FakePriceModel(gate=asyncio.Event()), FakePriceModel()
    model = BalancedPriceModel([first, second])
    asking = asyncio.create_task(model.price(houses(10)))  # type: ignore[arg-type]  # it is a coroutine
    await first.has_been_asked()
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    first.gate = None
    await model.price([house()])
    assert len(first.asked) == 2
