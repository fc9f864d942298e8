"""Thousands of interleaved calls: every caller gets its own prices, in its own order, or leaves."""

import asyncio
import random
from collections.abc import Sequence

import pytest

from factories import house
from fakes import FakePriceModel, a_circuit
from housing_price_orchestrator.service.resilience.balancing import BalancedModel
from housing_price_orchestrator.service.resilience.circuit_breaker import CircuitBreakerModel
from housing_price_orchestrator.service.resilience.coalescing import CoalescingModel
from housing_price_orchestrator.service.resilience.retry import RetryBudget, RetryModel
from housing_price_orchestrator.shared.errors import ModelServerUnavailable, RowsRefused
from housing_price_orchestrator.shared.ports import ModelIdentity, PriceEstimate
from housing_price_orchestrator.shared.view.record import AnyHouse

CALLERS = 3_000


class RestlessModel(FakePriceModel):
    """Answers after a random number of turns of the loop; now and then it fails, or refuses a poisonous row."""

    def __init__(self, dice: random.Random, poison: frozenset[int]) -> None:
        super().__init__()
        self.dice = dice
        self.poison = poison
        self.largest = 0

    async def answer(self, houses: Sequence[AnyHouse], /) -> Sequence[PriceEstimate]:
        self.largest = max(self.largest, len(houses))
        for _ in range(self.dice.randrange(8)):
            await asyncio.sleep(0)
        if self.dice.random() < 0.02:
            raise ModelServerUnavailable("away")
        if self.poison & {house.id for house in houses}:
            raise RowsRefused("poison")
        return [PriceEstimate(one.id, one.id, one.id, ModelIdentity("m", "1", "1")) for one in houses]


@pytest.mark.anyio
@pytest.mark.parametrize("turn", range(3))
async def test_answers_never_cross(turn: int) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}, turn {turn}")
    dice = random.Random(seed)
    template = house()
    poison = frozenset(dice.sample(range(1, 10 * CALLERS), 20))
    servers = [
        CircuitBreakerModel(RestlessModel(dice, poison), a_circuit(max_failures=1_000), slow_seconds=60)
        for _ in range(2)
    ]
    retried = RetryModel(
        BalancedModel(servers), budget=RetryBudget(ratio=0.2, floor=3), max_attempts=2, backoff_seconds=0.001
    )
    model = CoalescingModel(retried, max_rows=dice.choice([1, 5, 50]), max_calls=3)
    ids = iter(range(1, 100 * CALLERS))

    async def caller() -> tuple[list[int], Sequence[PriceEstimate] | BaseException]:
        asked = [next(ids) for _ in range(dice.choice([1, 1, 1, 2, 7, 120]))]
        for _ in range(dice.randrange(40)):
            await asyncio.sleep(0)
        task = asyncio.create_task(model.answer([template.model_copy(update={"id": number}) for number in asked]))
        if dice.random() < 0.1:
            for _ in range(dice.randrange(10)):
                await asyncio.sleep(0)
            task.cancel()
        (answer,) = await asyncio.gather(task, return_exceptions=True)
        return asked, answer

    async with asyncio.timeout(120):
        ended = await asyncio.gather(*(caller() for _ in range(CALLERS)))

    for asked, answer in ended:
        if isinstance(answer, BaseException):
            assert isinstance(answer, RowsRefused | ModelServerUnavailable | asyncio.CancelledError)
            if isinstance(answer, RowsRefused):
                assert poison & set(asked)
        else:
            assert [estimate.price_usd for estimate in answer] == asked
    answered = sum(not isinstance(answer, BaseException) for _, answer in ended)
    assert answered > CALLERS / 2
