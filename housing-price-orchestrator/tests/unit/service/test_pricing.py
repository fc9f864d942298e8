import time
from collections.abc import Sequence

import pytest

from factories import house, houses
from fakes import FakePriceModel
from housing_price_orchestrator.service.pricing import Pricing
from housing_price_orchestrator.service.resilience.coalescing import CoalescingModel
from housing_price_orchestrator.service.resilience.deadline import DeadlineModel
from housing_price_orchestrator.shared.deadline import current_deadline
from housing_price_orchestrator.shared.errors import ModelServerBusy, PriceImplausible, RowsRefused
from housing_price_orchestrator.shared.ports import PriceEstimate
from housing_price_orchestrator.shared.view.record import AnyHouse

pytestmark = pytest.mark.anyio


async def test_one_house_is_priced_in_one_request() -> None:
    model = FakePriceModel()
    estimate = await Pricing(model).price(house())
    assert [estimate] == list(await FakePriceModel().answer([house()]))
    assert model.asked == [(house(),)]


async def test_batch_keeps_the_order_of_the_houses() -> None:
    estimates = await Pricing(FakePriceModel()).price_all(houses(5))
    assert [estimate.price_usd for estimate in estimates] == sorted(estimate.price_usd for estimate in estimates)
    assert len({estimate.price_usd for estimate in estimates}) == 5


async def test_model_error_is_raised() -> None:
    pricing = Pricing(FakePriceModel(error=ModelServerBusy("busy")))
    with pytest.raises(ModelServerBusy):
        await pricing.price(house())
    with pytest.raises(ModelServerBusy):
        await pricing.price_all(houses(2))


class _SelectiveModel(FakePriceModel):
    """Gives implausible prices for some houses and refuses others."""

    def __init__(self, *, implausible: set[int], refused: set[int]) -> None:
        super().__init__()
        self.implausible, self.refused = implausible, refused

    async def answer(self, houses: Sequence[AnyHouse], /) -> Sequence[PriceEstimate]:
        if self.refused & {one.id for one in houses}:
            raise RowsRefused("no")
        estimates = [None if one.id in self.implausible else self._estimate(one) for one in houses]
        if None in estimates:
            raise PriceImplausible("no", estimates)
        return await super().answer(houses)


@pytest.mark.parametrize("max_rows", [1, 3, 10, 64, 1_000])
async def test_each_house_gets_its_own_price_or_error_at_any_call_size(max_rows: int) -> None:
    asked = houses(64)
    behind = _SelectiveModel(implausible={15, 16, 40}, refused={33})
    pricing = Pricing(CoalescingModel(behind, max_rows=max_rows, max_calls=3))
    found = await pricing.price_each(asked)
    expected = list(await FakePriceModel().answer(asked))
    assert len(found) == len(asked)
    for one, price, right in zip(asked, found, expected, strict=True):
        if one.id in {15, 16, 40}:
            assert isinstance(price, PriceImplausible)
        elif one.id == 33:
            assert isinstance(price, RowsRefused)
        else:
            assert price == right


async def test_batch_with_an_implausible_price_fails_as_a_whole() -> None:
    pricing = Pricing(CoalescingModel(_SelectiveModel(implausible={15}, refused=set()), max_rows=10, max_calls=3))
    with pytest.raises(PriceImplausible) as error:
        await pricing.price_all(houses(64))
    assert [at for at, estimate in enumerate(error.value.answers) if estimate is None] == [14]


class _DeadlineSpy(FakePriceModel):
    """Refuses one house, and keeps the deadline of each call."""

    def __init__(self, refused: int) -> None:
        super().__init__()
        self.refused = refused
        self.deadlines: list[float | None] = []

    async def answer(self, houses: Sequence[AnyHouse], /) -> Sequence[PriceEstimate]:
        self.deadlines.append(current_deadline.get())
        if self.refused in {one.id for one in houses}:
            raise RowsRefused("no")
        return await super().answer(houses)


@pytest.mark.parametrize(("within_seconds", "expected"), [(None, 100), (7, 7)])
async def test_halved_requests_share_one_deadline(within_seconds: float | None, expected: float) -> None:
    behind = _DeadlineSpy(refused=5)
    pricing = Pricing(DeadlineModel(behind, seconds=100), deadline_seconds=100)
    began = time.monotonic()
    await pricing.price_each(houses(16), within_seconds=within_seconds)
    assert len(behind.deadlines) > 4
    (deadline,) = set(behind.deadlines)
    assert deadline is not None
    assert began + expected <= deadline <= time.monotonic() + expected


async def test_caller_can_shorten_the_deadline() -> None:
    behind = _DeadlineSpy(refused=-1)
    pricing = Pricing(DeadlineModel(behind, seconds=100), deadline_seconds=100)
    await pricing.price(house(), within_seconds=7)
    await pricing.price_all(houses(2), within_seconds=7)
    await pricing.price_all(houses(2), within_seconds=1_000)
    left = [deadline - time.monotonic() for deadline in behind.deadlines if deadline is not None]
    assert [seconds <= 7 for seconds in left] == [True, True, False]
    assert left[2] <= 100
