"""Combining of waiting requests into few calls."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from factories import house, houses
from fakes import FakePriceModel
from housing_price_orchestrator.observability.record import RequestRecord, current_call, current_request
from housing_price_orchestrator.service.resilience.coalescing import CoalescingModel
from housing_price_orchestrator.shared.errors import ModelServerUnavailable, PriceImplausible, QueueFull, RowsRefused
from housing_price_orchestrator.shared.ports import PriceEstimate
from housing_price_orchestrator.shared.view.record import AnyHouse

pytestmark = pytest.mark.anyio


class GatedModel(FakePriceModel):
    """Holds each call until the test opens its gate."""

    def __init__(self, poison: frozenset[int] = frozenset()) -> None:
        super().__init__()
        self.calls: list[list[int]] = []
        self.gates: list[asyncio.Event] = []
        self.cancelled = 0
        self.poison = poison

    async def answer(self, houses: Sequence[AnyHouse], /) -> Sequence[PriceEstimate]:
        self.calls.append([house.id for house in houses])
        gate = asyncio.Event()
        self.gates.append(gate)
        try:
            await gate.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if self.poison & {house.id for house in houses}:
            raise RowsRefused("poison")
        return await super().answer(houses)

    def open(self) -> None:
        for gate in self.gates:
            gate.set()


async def until_idle() -> None:
    """Run the event loop until only gated calls are left."""
    for _ in range(20):
        await asyncio.sleep(0)


def ask(model: CoalescingModel[AnyHouse, PriceEstimate], *ids: int) -> asyncio.Task[Sequence[PriceEstimate]]:
    return asyncio.create_task(model.answer([house(id=number) for number in ids]))


async def finish(behind: GatedModel, *tasks: asyncio.Task[Any]) -> list[object]:
    """Open all gates until the tasks are done; returns their results and exceptions."""
    ended = asyncio.gather(*tasks, return_exceptions=True)
    while not ended.done():
        behind.open()
        await asyncio.sleep(0)
    return list(ended.result())


async def test_request_is_sent_at_once_while_a_call_is_free() -> None:
    behind = GatedModel()
    model = CoalescingModel(behind, max_rows=10, max_calls=3)
    first = ask(model, 1)
    await until_idle()
    second = ask(model, 2)
    await until_idle()
    assert behind.calls == [[1], [2]]
    await finish(behind, first, second)


async def test_waiting_requests_share_the_next_call() -> None:
    behind = GatedModel()
    model = CoalescingModel(behind, max_rows=10, max_calls=1)
    tasks = [ask(model, 1)]
    await until_idle()
    tasks += [ask(model, number) for number in (2, 3, 4)]
    await until_idle()
    assert behind.calls == [[1]]
    await finish(behind, *tasks)
    assert behind.calls == [[1], [2, 3, 4]]


async def test_requests_that_arrive_together_share_a_call() -> None:
    behind = GatedModel()
    model = CoalescingModel(behind, max_rows=10, max_calls=4)
    tasks = [ask(model, number) for number in (1, 2, 3)]
    await until_idle()
    assert behind.calls == [[1, 2, 3]]
    await finish(behind, *tasks)


async def test_rows_per_call_are_limited() -> None:
    behind = GatedModel()
    model = CoalescingModel(behind, max_rows=4, max_calls=1)
    tasks = [ask(model, number) for number in range(1, 11)]
    await finish(behind, *tasks)
    assert behind.calls == [[1, 2, 3, 4], [5, 6, 7, 8], [9, 10]]


async def test_calls_in_flight_are_limited() -> None:
    behind = GatedModel()
    model = CoalescingModel(behind, max_rows=1, max_calls=4)
    tasks = [ask(model, number) for number in range(1, 10)]
    await until_idle()
    # One call is left to the large lane.
    assert len(behind.calls) == 3
    tasks += [ask(model, *range(100, 120)), ask(model, *range(200, 220))]
    await until_idle()
    assert len(behind.calls) == 4
    await finish(behind, *tasks)


async def test_each_caller_gets_the_prices_of_its_own_houses() -> None:
    behind = FakePriceModel()
    model = CoalescingModel(behind, max_rows=8, max_calls=2)
    asked = houses(100)
    answers = await asyncio.gather(*(model.answer([one]) for one in asked))
    assert [answer[0] for answer in answers] == list(await FakePriceModel().answer(asked))


async def test_large_batch_is_split_and_keeps_its_order() -> None:
    behind = FakePriceModel()
    model = CoalescingModel(behind, max_rows=7, max_calls=3)
    asked = houses(100)
    assert list(await model.answer(asked)) == list(await FakePriceModel().answer(asked))
    assert max(len(call) for call in behind.asked) == 7


async def test_pieces_of_a_large_batch_run_concurrently_and_leave_one_call_free() -> None:
    behind = GatedModel()
    model = CoalescingModel(behind, max_rows=2, max_calls=3)
    batch = ask(model, *range(1, 11))
    await until_idle()
    assert behind.calls == [[1, 2], [3, 4]]
    single = ask(model, 99)
    await until_idle()
    assert behind.calls == [[1, 2], [3, 4], [99]]
    await finish(behind, batch, single)


async def test_many_single_requests_do_not_starve_a_batch() -> None:
    behind = GatedModel()
    model = CoalescingModel(behind, max_rows=4, max_calls=1)
    tasks = [ask(model, 1), ask(model, 100, 101, 102, 103)]
    for number in range(2, 200):
        await until_idle()
        tasks.append(ask(model, number))
        if [100, 101, 102, 103] in behind.calls:
            break
        behind.gates[-1].set()
    assert [100, 101, 102, 103] in behind.calls
    assert len(behind.calls) <= 3
    await finish(behind, *tasks)


async def test_cancelled_request_in_the_queue_is_not_sent() -> None:
    behind = GatedModel()
    model = CoalescingModel(behind, max_rows=10, max_calls=1)
    first = ask(model, 1)
    await until_idle()
    gone, stays = ask(model, 2), ask(model, 3)
    await until_idle()
    gone.cancel()
    await finish(behind, first, gone, stays)
    assert behind.calls == [[1], [3]]


async def test_call_without_callers_is_cancelled_and_frees_its_slot() -> None:
    behind = GatedModel()
    model = CoalescingModel(behind, max_rows=10, max_calls=1)
    tasks = [ask(model, 1), ask(model, 2)]
    await until_idle()
    tasks[0].cancel()
    await until_idle()
    assert behind.cancelled == 0
    tasks[1].cancel()
    await until_idle()
    assert behind.cancelled == 1
    (answer,) = await finish(behind, ask(model, 3))
    assert isinstance(answer, Sequence)


@pytest.mark.parametrize("poisonous", [1, 4, 8])
async def test_refused_row_fails_alone_after_at_most_log2_n_halvings(poisonous: int) -> None:
    behind = GatedModel(poison=frozenset({poisonous}))
    model = CoalescingModel(behind, max_rows=8, max_calls=1)
    answers = await finish(behind, *(ask(model, number) for number in range(1, 9)))
    refused = [number for number, answer in enumerate(answers, start=1) if isinstance(answer, RowsRefused)]
    assert refused == [poisonous]
    assert all(isinstance(answer, Sequence) for number, answer in enumerate(answers, start=1) if number != poisonous)
    assert len(behind.calls) == 1 + 2 * 3


async def test_refused_request_alone_in_its_call_is_not_resent() -> None:
    behind = GatedModel(poison=frozenset({1}))
    (answer,) = await finish(behind, ask(CoalescingModel(behind, max_rows=8, max_calls=1), 1, 2, 3))
    assert isinstance(answer, RowsRefused)
    assert behind.calls == [[1, 2, 3]]


async def test_implausible_price_fails_only_its_own_request() -> None:
    class Implausible(FakePriceModel):
        async def answer(self, houses: Sequence[AnyHouse], /) -> Sequence[PriceEstimate]:
            estimates = [None if one.id == 2 else self._estimate(one) for one in houses]
            raise PriceImplausible("no price", estimates)

    model = CoalescingModel(Implausible(), max_rows=8, max_calls=1)
    answers = await asyncio.gather(*(model.answer([house(id=number)]) for number in (1, 2, 3)), return_exceptions=True)
    assert [type(answer) for answer in answers] == [list, PriceImplausible, list]


async def test_error_reaches_every_caller_of_the_call_and_no_later_one() -> None:
    behind = FakePriceModel(error=ModelServerUnavailable("away"))
    model = CoalescingModel(behind, max_rows=8, max_calls=1)
    answers = await asyncio.gather(*(model.answer([one]) for one in houses(3)), return_exceptions=True)
    assert [type(answer) for answer in answers] == [ModelServerUnavailable] * 3
    behind.error = None
    assert len(await model.answer(houses(1))) == 1


async def test_failed_piece_fails_the_whole_batch_with_its_error() -> None:
    behind = FakePriceModel(error=ModelServerUnavailable("away"))
    model = CoalescingModel(behind, max_rows=2, max_calls=3)
    with pytest.raises(ModelServerUnavailable):
        await model.answer(houses(20))


async def test_wrong_number_of_estimates_shifts_no_price_to_another_caller() -> None:
    class Short(FakePriceModel):
        async def answer(self, houses: Sequence[AnyHouse], /) -> Sequence[PriceEstimate]:
            return (await super().answer(houses))[1:]

    model = CoalescingModel(Short(), max_rows=8, max_calls=1)
    answers = await asyncio.gather(*(model.answer([one]) for one in houses(3)), return_exceptions=True)
    assert [type(answer) for answer in answers] == [RuntimeError] * 3


async def test_full_queue_refuses_at_once_and_cancelled_requests_free_room() -> None:
    behind = GatedModel()
    model = CoalescingModel(behind, max_rows=2, max_calls=1, max_waiting_rows=4)
    tasks = [ask(model, 1, 2)]
    await until_idle()
    waiting = [ask(model, 3, 4), ask(model, 5, 6)]
    await until_idle()
    with pytest.raises(QueueFull):
        await model.answer([house(id=7)])
    waiting[0].cancel()
    await until_idle()
    tasks += [waiting[1], ask(model, 8, 9)]
    answers = await finish(behind, *tasks)
    assert all(isinstance(answer, Sequence) for answer in answers)
    assert behind.calls == [[1, 2], [5, 6], [8, 9]]


async def recorded(model: CoalescingModel[AnyHouse, PriceEstimate], *ids: int) -> RequestRecord:
    """Price in a context of its own, like a request; returns the request record."""
    record = RequestRecord("an-id")

    async def price_in_context() -> None:
        current_request.set(record)
        await model.answer([house(id=number) for number in ids])

    await asyncio.gather(asyncio.create_task(price_in_context()), return_exceptions=True)
    return record


async def test_request_record_has_its_call_and_its_waiting_time() -> None:
    class Counting(FakePriceModel):
        async def answer(self, houses: Sequence[AnyHouse], /) -> Sequence[PriceEstimate]:
            call = current_call.get()
            assert call is not None
            call.attempts += 1
            return await super().answer(houses)

    record = await recorded(CoalescingModel(Counting(), max_rows=9, max_calls=1), 1, 2)
    (call,) = record.calls
    assert (call.attempts, call.rows) == (1, 2)
    assert record.queue_seconds > 0
    assert 0 < call.seconds <= record.model_seconds


async def test_requests_of_one_call_share_its_record() -> None:
    model = CoalescingModel(FakePriceModel(), max_rows=9, max_calls=1)
    first, second = await asyncio.gather(recorded(model, 1, 2), recorded(model, 3))
    assert first.calls[0] is second.calls[0]
    assert first.calls[0].rows == 3


async def test_batch_record_has_every_call_and_the_slowest_wait() -> None:
    record = await recorded(CoalescingModel(FakePriceModel(), max_rows=2, max_calls=1), *range(1, 8))
    assert [call.rows for call in record.calls] == [2, 2, 2, 1]
    assert record.queue_seconds > 0
    assert record.model_seconds >= max(call.seconds for call in record.calls)


async def test_halved_call_is_recorded_with_its_halves() -> None:
    behind = GatedModel(poison=frozenset({1}))
    model = CoalescingModel(behind, max_rows=9, max_calls=1)
    tasks = [asyncio.create_task(recorded(model, number)) for number in (1, 2)]
    refused, priced = await finish(behind, *tasks)
    assert isinstance(refused, RequestRecord)
    assert isinstance(priced, RequestRecord)
    assert [call.rows for call in priced.calls] == [2, 1]
    assert priced.calls[0] is refused.calls[0]
    assert priced.calls[1] is not refused.calls[1]


async def test_waiting_time_of_a_cancelled_request_is_recorded() -> None:
    behind = GatedModel()
    model = CoalescingModel(behind, max_rows=1, max_calls=1)
    records = [RequestRecord("sent"), RequestRecord("waiting")]

    async def price_in_context(record: RequestRecord) -> None:
        current_request.set(record)
        await model.answer([house()])

    tasks = [asyncio.create_task(price_in_context(record)) for record in records]
    await until_idle()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    sent, waiting = records
    assert len(sent.calls) == 1
    assert sent.model_seconds > 0
    assert waiting.calls == []
    assert waiting.queue_seconds > 0
    assert waiting.model_seconds == 0


async def test_requests_of_different_groups_do_not_share_a_call_and_keep_their_order() -> None:
    behind = GatedModel()
    model = CoalescingModel(behind, max_rows=100, max_calls=1, group_of=lambda asked: asked.id % 2)
    tasks = [ask(model, 1)]
    await until_idle()
    tasks += [ask(model, *ids) for ids in ([3, 5], [7], [2], [4, 6], [9])]
    answers = await finish(behind, *tasks)
    assert behind.calls == [[1], [3, 5, 7], [2, 4, 6], [9]]
    assert not [answer for answer in answers if isinstance(answer, BaseException)]


async def test_a_request_whose_caller_left_belongs_to_every_group() -> None:
    behind = GatedModel()
    model = CoalescingModel(behind, max_rows=100, max_calls=1, group_of=lambda asked: asked.id % 2)
    first = ask(model, 1)
    await until_idle()
    before, leaving, after = ask(model, 3), ask(model, 2), ask(model, 5)
    await until_idle()
    leaving.cancel()
    await until_idle()
    await finish(behind, first, before, after)
    assert behind.calls == [[1], [3, 5]]
