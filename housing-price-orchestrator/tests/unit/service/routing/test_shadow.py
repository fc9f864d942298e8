"""The shadow: bounded copies, and failures that reach no caller."""

import asyncio
import math
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from factories import houses
from fakes import FakePriceModel
from housing_price_orchestrator.observability.metrics import Metrics
from housing_price_orchestrator.service.routing.shadow import MAX_ROWS_PER_ANSWER, MAX_ROWS_PER_CALL, QueuedShadow
from housing_price_orchestrator.service.transactions import Transactions
from housing_price_orchestrator.shared.errors import ModelServerUnavailable, PriceImplausible
from housing_price_orchestrator.shared.ports import ModelIdentity, PriceEstimate, PriceModel, ValuationRecord
from housing_price_orchestrator.shared.view.record import AnyHouse

pytestmark = pytest.mark.anyio

CHAMPION = ModelIdentity("fake", "1", "fake-1")


class FakePredictionLog:
    """Keeps what is recorded."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, int, float]] = []

    def record(
        self,
        transaction_ids: Sequence[str],
        asked: Sequence[AnyHouse],
        estimates: Sequence[PriceEstimate],
        _valuations: Sequence[ValuationRecord] = (),
        /,
    ) -> None:
        rows = zip(transaction_ids, asked, estimates, strict=True)
        self.rows += [(one, house.id, estimate.price_usd) for one, house, estimate in rows]


class Shadowed:
    """A shadow with its metrics and its log."""

    def __init__(self, model: PriceModel, **options: Any) -> None:
        self.metrics = Metrics()
        self.log = FakePredictionLog()
        options = {"sample": 1.0, "call_pause_seconds": 0, "failure_pause_seconds": 0} | options
        self.shadow = QueuedShadow([model], metrics=self.metrics, log=self.log, rng=random.Random(0), **options)

    def copy(self, count: int, first_id: int = 1) -> list[str]:
        asked = houses(count)
        ids = [f"{first_id + at:032x}" for at in range(count)]
        self.shadow.copy(ids, asked, [PriceEstimate(100_000.0, 90_000.0, 110_000.0, CHAMPION)] * count)
        return ids

    @property
    def outcomes(self) -> dict[str, float]:
        return {outcome: value for (outcome,), (value,) in self.metrics.shadow_rows.readings() if value}

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.shadow.run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def until(self, outcomes: dict[str, float]) -> None:
        async with asyncio.timeout(10):
            while self.outcomes != outcomes:
                await asyncio.sleep(0)


async def test_copy_is_priced_and_logged_under_its_transaction_id() -> None:
    shadowed = Shadowed(FakePriceModel())
    async with shadowed.running():
        ids = shadowed.copy(3)
        await shadowed.until({"priced": 3})
    expected = await FakePriceModel().answer(houses(3))
    rows = [(one, house.id, price.price_usd) for one, house, price in zip(ids, houses(3), expected, strict=True)]
    assert shadowed.log.rows == rows


async def test_queued_copies_share_one_call() -> None:
    model = FakePriceModel()
    shadowed = Shadowed(model)
    for number in range(5):
        shadowed.copy(1, number)
    async with shadowed.running():
        await shadowed.until({"priced": 5})
    assert [len(call) for call in model.asked] == [5]


async def test_rows_per_call_are_bounded() -> None:
    model = FakePriceModel()
    shadowed = Shadowed(model)
    for _ in range(3):
        shadowed.copy(MAX_ROWS_PER_ANSWER)
    async with shadowed.running():
        await shadowed.until({"priced": 3 * MAX_ROWS_PER_ANSWER})
    assert max(len(call) for call in model.asked) <= MAX_ROWS_PER_CALL


async def test_large_batch_is_sampled() -> None:
    shadowed = Shadowed(FakePriceModel())
    ids = shadowed.copy(1_000)
    assert shadowed.shadow.queued_rows == MAX_ROWS_PER_ANSWER
    async with shadowed.running():
        await shadowed.until({"priced": MAX_ROWS_PER_ANSWER})
    copied = [ids.index(one) for one, _, _ in shadowed.log.rows]
    assert len(set(copied)) == MAX_ROWS_PER_ANSWER
    assert max(copied) > 500
    asked = houses(1_000)
    assert all(asked[at].id == house_id for at, (_, house_id, _) in zip(copied, shadowed.log.rows, strict=True))


@pytest.mark.parametrize(("rows", "answers"), [(1, 10_000), (7, 1_000)])
async def test_configured_share_of_houses_is_copied(rows: int, answers: int) -> None:
    shadowed = Shadowed(FakePriceModel(), sample=0.1, max_queued_rows=100_000)
    for number in range(answers):
        shadowed.copy(rows, number * rows)
    # Within five standard deviations; the seed is fixed.
    assert abs(shadowed.shadow.queued_rows - 0.1 * rows * answers) < 5 * math.sqrt(0.09 * rows * answers)


async def test_copies_beyond_the_queue_limit_are_dropped_and_counted() -> None:
    shadowed = Shadowed(FakePriceModel(gate=asyncio.Event()), max_queued_rows=50)
    shadowed.copy(40)
    shadowed.copy(40)
    assert shadowed.outcomes == {"dropped": 30}
    assert shadowed.shadow.queued_rows == 50
    shadowed.copy(1)
    assert shadowed.outcomes == {"dropped": 31}


async def test_unpriced_copies_at_shutdown_are_counted_as_dropped() -> None:
    model = FakePriceModel(gate=asyncio.Event())
    shadowed = Shadowed(model)
    async with shadowed.running():
        shadowed.copy(2)
        await model.wait_until_asked()
        shadowed.copy(3)
    assert shadowed.outcomes == {"dropped": 5}
    assert shadowed.shadow.queued_rows == 0


async def test_failures_are_counted_by_reason_and_pricing_continues() -> None:
    model = FakePriceModel(error=ModelServerUnavailable("away"))
    shadowed = Shadowed(model)
    async with shadowed.running():
        shadowed.copy(4)
        await shadowed.until({"ModelServerUnavailable": 4})
        model.error = ZeroDivisionError("a defect")
        shadowed.copy(2)
        await shadowed.until({"ModelServerUnavailable": 4, "defect": 2})
        model.error = None
        shadowed.copy(1)
        await shadowed.until({"ModelServerUnavailable": 4, "defect": 2, "priced": 1})
    assert len(shadowed.log.rows) == 1


async def test_plausible_prices_of_a_partly_implausible_answer_are_kept() -> None:
    good = await FakePriceModel().answer(houses(3))
    shadowed = Shadowed(FakePriceModel(error=PriceImplausible("NaN", [good[0], None, good[2]])))
    async with shadowed.running():
        ids = shadowed.copy(3)
        await shadowed.until({"priced": 2, "PriceImplausible": 1})
    assert [one for one, _, _ in shadowed.log.rows] == [ids[0], ids[2]]


async def test_first_failure_and_recovery_are_logged_once() -> None:
    structlog.reset_defaults()
    model = FakePriceModel(error=ModelServerUnavailable("away"))
    with capture_logs() as events:
        shadowed = Shadowed(model)
        async with shadowed.running():
            for number in range(3):
                shadowed.copy(1, number)
                await shadowed.until({"ModelServerUnavailable": number + 1})
            model.error = None
            shadowed.copy(1)
            await shadowed.until({"ModelServerUnavailable": 3, "priced": 1})
    assert [event["event"] for event in events] == ["shadow failing", "shadow recovered"]


async def test_deviation_is_the_absolute_log_ratio() -> None:
    (price,) = await FakePriceModel().answer(houses(1))
    shadowed = Shadowed(FakePriceModel())
    async with shadowed.running():
        shadowed.copy(1)
        await shadowed.until({"priced": 1})
    ((_, (*counts, total)),) = shadowed.metrics.shadow_deviation.readings()
    assert sum(counts) == 1
    assert total == pytest.approx(abs(math.log(price.price_usd / 100_000)))


async def test_transactions_are_copied_only_while_a_shadow_is_set() -> None:
    shadowed = Shadowed(FakePriceModel())
    transactions = Transactions()
    estimates = await FakePriceModel().answer(houses(2))
    transactions.complete(houses(2), estimates)
    transactions.shadow = shadowed.shadow
    ids = transactions.complete(houses(2), estimates)
    transactions.shadow = None
    transactions.complete(houses(2), estimates)
    async with shadowed.running():
        await shadowed.until({"priced": 2})
    assert [one for one, _, _ in shadowed.log.rows] == ids
