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


async def test_not_ready_before_the_first_answer(readiness: Readiness) -> None:
    assert not readiness.is_ready
    assert readiness.identity is None
    assert readiness.error is None


async def test_successful_probe_makes_it_ready_and_identifies_the_model(
    readiness: Readiness, model: FakePriceModel
) -> None:
    await readiness.probe()
    assert readiness.is_ready
    assert readiness.identity == model.identity
    assert model.asked == [(house(),)]


async def test_failed_probe_makes_it_unready_and_keeps_the_error(readiness: Readiness, model: FakePriceModel) -> None:
    await readiness.probe()
    model.error = ModelServerUnavailable("away")
    await readiness.probe()
    assert not readiness.is_ready
    assert readiness.error is model.error


async def test_recovers_with_the_next_successful_probe(readiness: Readiness, model: FakePriceModel) -> None:
    model.error = DeadlineExceeded("slow")
    await readiness.probe()
    model.error = None
    await readiness.probe()
    assert readiness.is_ready
    assert readiness.error is None


async def test_success_expires(readiness: Readiness, clock: FakeClock) -> None:
    await readiness.probe()
    clock.passes(4.0)
    assert readiness.is_ready
    clock.passes(0.1)
    assert not readiness.is_ready


async def test_new_model_is_seen_with_the_next_probe(readiness: Readiness, model: FakePriceModel) -> None:
    await readiness.probe()
    model.identity = type(model.identity)("other", "2", "other-2")
    await readiness.probe()
    assert readiness.identity == model.identity


async def test_probes_until_cancelled(model: FakePriceModel) -> None:
    readiness = Readiness(model, house(), interval_seconds=0.001, max_age_seconds=1)
    task = asyncio.create_task(readiness.run())
    await model.has_been_asked(times=3)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_unexpected_error_does_not_end_the_probing(readiness: Readiness, model: FakePriceModel) -> None:
    model.error = OverflowError("a defect")
    await readiness.probe()
    assert not readiness.is_ready
    model.error = None
    await readiness.probe()
    assert readiness.is_ready
