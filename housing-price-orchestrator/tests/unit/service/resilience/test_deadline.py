import asyncio
import time
from collections.abc import Sequence

import pytest

from factories import house
from fakes import FakePriceModel
from housing_price_orchestrator.service.resilience.coalescing import CoalescingPriceModel
from housing_price_orchestrator.service.resilience.deadline import DeadlinePriceModel
from housing_price_orchestrator.shared.deadline import current_deadline, deadline_at
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


class Noting(FakePriceModel):
    """Remembers which deadline it was asked under."""

    def __init__(self) -> None:
        super().__init__()
        self.deadlines: list[float | None] = []

    async def price(self, houses: Sequence[House], /) -> Sequence[PriceEstimate]:
        self.deadlines.append(current_deadline.get())
        return await super().price(houses)


async def test_whoever_is_asked_can_know_when_the_time_is_over() -> None:
    model = Noting()
    began = time.monotonic()
    await DeadlinePriceModel(model, seconds=ENOUGH_SECONDS).price([house()])
    (deadline,) = model.deadlines
    assert deadline is not None
    assert began + ENOUGH_SECONDS <= deadline <= time.monotonic() + ENOUGH_SECONDS
    assert current_deadline.get() is None


@pytest.mark.parametrize("wanted", [ENOUGH_SECONDS / 3, 3 * ENOUGH_SECONDS])
async def test_the_earlier_deadline_counts(wanted: float) -> None:
    model = Noting()
    given = time.monotonic() + wanted
    with deadline_at(given):
        await DeadlinePriceModel(model, seconds=ENOUGH_SECONDS).price([house()])
    (deadline,) = model.deadlines
    assert deadline is not None
    assert (deadline == given) == (wanted < ENOUGH_SECONDS)
    assert deadline <= given


async def test_an_outer_deadline_can_only_become_earlier() -> None:
    with deadline_at(100.0):
        with deadline_at(200.0):
            assert current_deadline.get() == 100.0
        with deadline_at(50.0):
            assert current_deadline.get() == 50.0
        assert current_deadline.get() == 100.0
    assert current_deadline.get() is None


async def test_when_the_time_is_over_already_nothing_is_asked() -> None:
    model = FakePriceModel()
    with deadline_at(time.monotonic() - 1), pytest.raises(DeadlineExceeded):
        await DeadlinePriceModel(model, seconds=ENOUGH_SECONDS).price([house()])
    assert model.asked == []


async def test_a_call_for_several_has_the_latest_of_their_deadlines() -> None:
    behind = Noting()
    coalesced = CoalescingPriceModel(behind, max_rows=10, max_calls=1)
    await asyncio.gather(*(DeadlinePriceModel(coalesced, seconds=seconds).price([house()]) for seconds in (100, 300)))
    (deadline,) = behind.deadlines
    assert deadline is not None
    assert 200 < deadline - time.monotonic() <= 300


async def test_a_call_for_one_without_a_deadline_has_none() -> None:
    behind = Noting()
    coalesced = CoalescingPriceModel(behind, max_rows=10, max_calls=1)
    await asyncio.gather(DeadlinePriceModel(coalesced, seconds=100).price([house()]), coalesced.price([house()]))
    assert behind.deadlines == [None]
