import asyncio
from collections.abc import Sequence

import pytest

from factories import house
from fakes import FakePriceModel
from housing_price_orchestrator.provider.deadline import DeadlinePriceModel
from housing_price_orchestrator.shared.errors import DeadlineExceeded
from housing_price_orchestrator.shared.ports import PriceEstimate
from housing_price_orchestrator.shared.view.house import House

pytestmark = pytest.mark.anyio

ENOUGH_SECONDS = 30


async def test_an_answer_in_time_passes_through() -> None:
    model = FakePriceModel()
    answered = await DeadlinePriceModel(model, seconds=ENOUGH_SECONDS).price([house()])
    assert answered == await model.price([house()])


async def test_an_answer_that_does_not_come_is_a_missed_deadline() -> None:
    model = FakePriceModel(gate=asyncio.Event())
    with pytest.raises(DeadlineExceeded):
        await DeadlinePriceModel(model, seconds=0.01).price([house()])


async def test_what_still_runs_at_the_deadline_is_cancelled() -> None:
    cancelled = asyncio.Event()

    class Endless:
        async def price(self, _houses: Sequence[House], /) -> Sequence[PriceEstimate]:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                cancelled.set()
                raise
            return []

    with pytest.raises(DeadlineExceeded):
        await DeadlinePriceModel(Endless(), seconds=0.01).price([house()])
    assert cancelled.is_set()


async def test_a_timeout_from_further_inside_is_not_taken_for_the_deadline() -> None:
    model = DeadlinePriceModel(FakePriceModel(error=TimeoutError("of a socket")), seconds=ENOUGH_SECONDS)
    with pytest.raises(TimeoutError, match="of a socket"):
        await model.price([house()])


async def test_a_caller_who_leaves_is_not_told_of_a_deadline() -> None:
    model = FakePriceModel(gate=asyncio.Event())
    asking = asyncio.create_task(DeadlinePriceModel(model, seconds=ENOUGH_SECONDS).price([house()]))
    await model.has_been_asked()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
