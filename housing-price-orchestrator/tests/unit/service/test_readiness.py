import asyncio

import pytest

from factories import house
from fakes import FakeClock, FakePriceModel
from housing_price_orchestrator.service.readiness import Readiness
from housing_price_orchestrator.shared.errors import DeadlineExceeded, ModelServerUnavailable

pytestmark = pytest.mark.anyio


@pytest.fixture
def model() -> FakePriceModel:
    return FakePriceModel()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def readiness(model: FakePriceModel, clock: FakeClock) -> Readiness:
    return Readiness(model, house(), interval_seconds=1.0, max_age_seconds=4.0, clock=clock)


async def test_before_the_first_answer_nothing_is_ready(readiness: Readiness) -> None:
    assert not readiness.is_ready
    assert readiness.identity is None
    assert readiness.error is None


async def test_a_price_makes_it_ready_and_names_the_model(readiness: Readiness, model: FakePriceModel) -> None:
    await readiness.probe()
    assert readiness.is_ready
    assert readiness.identity == model.identity
    assert model.asked == [(house(),)]


async def test_an_error_makes_it_unready_and_is_remembered(readiness: Readiness, model: FakePriceModel) -> None:
    await readiness.probe()
    model.error = ModelServerUnavailable("away")
    await readiness.probe()
    assert not readiness.is_ready
    assert readiness.error is model.error


async def test_it_recovers_with_the_next_price(readiness: Readiness, model: FakePriceModel) -> None:
    model.error = DeadlineExceeded("slow")
    await readiness.probe()
    model.error = None
    await readiness.probe()
    assert readiness.is_ready
    assert readiness.error is None


async def test_an_old_price_counts_no_more(readiness: Readiness, clock: FakeClock) -> None:
    await readiness.probe()
    clock.passes(4.0)
    assert readiness.is_ready
    clock.passes(0.1)
    assert not readiness.is_ready


async def test_another_model_is_seen_with_the_next_price(readiness: Readiness, model: FakePriceModel) -> None:
    await readiness.probe()
    model.identity = type(model.identity)("other", "2", "other-2")
    await readiness.probe()
    assert readiness.identity == model.identity


async def test_it_asks_again_and_again_until_cancelled(model: FakePriceModel) -> None:
    readiness = Readiness(model, house(), interval_seconds=0.001, max_age_seconds=1)
    asking = asyncio.create_task(readiness.run())
    await model.has_been_asked(times=3)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking


async def test_even_a_defect_does_not_end_the_asking(readiness: Readiness, model: FakePriceModel) -> None:
    model.error = OverflowError("a defect")
    await readiness.probe()
    assert not readiness.is_ready
    model.error = None
    await readiness.probe()
    assert readiness.is_ready
