import asyncio
import time
from collections.abc import Sequence

import pytest

from factories import house
from fakes import FakePriceModel
from housing_price_orchestrator.service.resilience.coalescing import CoalescingModel
from housing_price_orchestrator.service.resilience.deadline import DeadlineModel
from housing_price_orchestrator.shared.deadline import current_deadline, deadline_at
from housing_price_orchestrator.shared.errors import DeadlineExceeded
from housing_price_orchestrator.shared.ports import PriceEstimate
from housing_price_orchestrator.shared.view.record import AnyHouse

pytestmark = pytest.mark.anyio

LONG_SECONDS = 30


async def test_answer_in_time_passes_through() -> None:
    model = FakePriceModel()
    answered = await DeadlineModel(model, seconds=LONG_SECONDS).answer([house()])
    assert answered == await model.answer([house()])


async def test_missing_answer_raises_deadline_exceeded() -> None:
    model = FakePriceModel(gate=asyncio.Event())
    with pytest.raises(DeadlineExceeded):
        await DeadlineModel(model, seconds=0.01).answer([house()])


async def test_work_at_the_deadline_is_cancelled() -> None:
    cancelled = asyncio.Event()

    class Endless:
        async def answer(self, _houses: Sequence[AnyHouse], /) -> Sequence[PriceEstimate]:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                cancelled.set()
                raise
            return []

    with pytest.raises(DeadlineExceeded):
        await DeadlineModel(Endless(), seconds=0.01).answer([house()])
    assert cancelled.is_set()


async def test_inner_timeout_error_is_not_taken_for_the_deadline() -> None:
    model = DeadlineModel(FakePriceModel(error=TimeoutError("of a socket")), seconds=LONG_SECONDS)
    with pytest.raises(TimeoutError, match="of a socket"):
        await model.answer([house()])


async def test_cancellation_is_not_turned_into_a_deadline_error() -> None:
    model = FakePriceModel(gate=asyncio.Event())
    task = asyncio.create_task(DeadlineModel(model, seconds=LONG_SECONDS).answer([house()]))
    await model.wait_until_asked()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


class DeadlineSpy(FakePriceModel):
    """Keeps the deadline of each call."""

    def __init__(self) -> None:
        super().__init__()
        self.deadlines: list[float | None] = []

    async def answer(self, houses: Sequence[AnyHouse], /) -> Sequence[PriceEstimate]:
        self.deadlines.append(current_deadline.get())
        return await super().answer(houses)


async def test_model_can_read_the_current_deadline() -> None:
    model = DeadlineSpy()
    began = time.monotonic()
    await DeadlineModel(model, seconds=LONG_SECONDS).answer([house()])
    (deadline,) = model.deadlines
    assert deadline is not None
    assert began + LONG_SECONDS <= deadline <= time.monotonic() + LONG_SECONDS
    assert current_deadline.get() is None


@pytest.mark.parametrize("wanted", [LONG_SECONDS / 3, 3 * LONG_SECONDS])
async def test_earlier_deadline_wins(wanted: float) -> None:
    model = DeadlineSpy()
    given = time.monotonic() + wanted
    with deadline_at(given):
        await DeadlineModel(model, seconds=LONG_SECONDS).answer([house()])
    (deadline,) = model.deadlines
    assert deadline is not None
    assert (deadline == given) == (wanted < LONG_SECONDS)
    assert deadline <= given


async def test_inner_deadline_can_only_shorten_the_outer_one() -> None:
    with deadline_at(100.0):
        with deadline_at(200.0):
            assert current_deadline.get() == 100.0
        with deadline_at(50.0):
            assert current_deadline.get() == 50.0
        assert current_deadline.get() == 100.0
    assert current_deadline.get() is None


async def test_no_call_is_made_after_the_deadline() -> None:
    model = FakePriceModel()
    with deadline_at(time.monotonic() - 1), pytest.raises(DeadlineExceeded):
        await DeadlineModel(model, seconds=LONG_SECONDS).answer([house()])
    assert model.asked == []


async def test_combined_call_has_the_latest_deadline() -> None:
    behind = DeadlineSpy()
    coalesced = CoalescingModel(behind, max_rows=10, max_calls=1)
    await asyncio.gather(*(DeadlineModel(coalesced, seconds=seconds).answer([house()]) for seconds in (100, 300)))
    (deadline,) = behind.deadlines
    assert deadline is not None
    assert 200 < deadline - time.monotonic() <= 300


async def test_combined_call_with_an_unlimited_request_has_no_deadline() -> None:
    behind = DeadlineSpy()
    coalesced = CoalescingModel(behind, max_rows=10, max_calls=1)
    await asyncio.gather(DeadlineModel(coalesced, seconds=100).answer([house()]), coalesced.answer([house()]))
    assert behind.deadlines == [None]
