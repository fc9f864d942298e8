import asyncio

import pytest

from factories import house
from fakes import FakeClock, FakeComparablesModel, FakePriceModel
from housing_price_orchestrator.service.readiness import AnyProbe, ModelProbe, Readiness
from housing_price_orchestrator.shared.errors import DeadlineExceeded, ModelServerUnavailable
from housing_price_orchestrator.shared.ports import ComparablesQuestion

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["price", "comparables"])
def model(request: pytest.FixtureRequest) -> FakePriceModel | FakeComparablesModel:
    return FakePriceModel() if request.param == "price" else FakeComparablesModel()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def probe_of(
    model: FakePriceModel | FakeComparablesModel, clock: FakeClock, *, interval_seconds: float = 1.0
) -> AnyProbe:
    limits = {"interval_seconds": interval_seconds, "max_age_seconds": 4.0}
    if isinstance(model, FakePriceModel):
        return ModelProbe("price", model, house(), **limits, clock=clock)
    return ModelProbe("comparables", model, ComparablesQuestion(house()), **limits, clock=clock)


@pytest.fixture
def probe(model: FakePriceModel | FakeComparablesModel, clock: FakeClock) -> AnyProbe:
    return probe_of(model, clock)


class TestProbe:
    async def test_no_answer_before_the_first_one(self, probe: AnyProbe) -> None:
        assert not probe.is_answering
        assert probe.identity is None
        assert probe.error is None

    async def test_answer_identifies_the_model(self, probe: AnyProbe, model: FakePriceModel) -> None:
        await probe.probe()
        assert probe.is_answering
        assert probe.identity == model.identity
        assert len(model.asked) == 1

    async def test_failed_probe_keeps_the_error(self, probe: AnyProbe, model: FakePriceModel) -> None:
        await probe.probe()
        model.error = ModelServerUnavailable("away")
        await probe.probe()
        assert not probe.is_answering
        assert probe.error is model.error

    async def test_recovers_with_the_next_answer(self, probe: AnyProbe, model: FakePriceModel) -> None:
        model.error = DeadlineExceeded("slow")
        await probe.probe()
        model.error = None
        await probe.probe()
        assert probe.is_answering
        assert probe.error is None

    async def test_answer_expires(self, probe: AnyProbe, clock: FakeClock) -> None:
        await probe.probe()
        clock.passes(4.0)
        assert probe.is_answering
        clock.passes(0.1)
        assert not probe.is_answering

    async def test_new_model_is_seen_with_the_next_probe(self, probe: AnyProbe, model: FakePriceModel) -> None:
        await probe.probe()
        model.identity = type(model.identity)("other", "2", "other-2")
        await probe.probe()
        assert probe.identity == model.identity

    async def test_probes_until_cancelled(self, model: FakePriceModel, clock: FakeClock) -> None:
        task = asyncio.create_task(probe_of(model, clock, interval_seconds=0.001).run())
        await model.wait_until_asked(times=3)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    async def test_unexpected_error_does_not_end_the_probing(self, probe: AnyProbe, model: FakePriceModel) -> None:
        model.error = OverflowError("a defect")
        await probe.probe()
        assert not probe.is_answering
        model.error = None
        await probe.probe()
        assert probe.is_answering


class TestReadiness:
    @pytest.fixture
    def required(self) -> FakePriceModel:
        return FakePriceModel()

    @pytest.fixture
    def optional(self) -> FakeComparablesModel:
        return FakeComparablesModel()

    @pytest.fixture
    def readiness(self, required: FakePriceModel, optional: FakeComparablesModel, clock: FakeClock) -> Readiness:
        return Readiness(probe_of(required, clock), (probe_of(optional, clock),))

    async def test_ready_once_the_required_model_answers(self, readiness: Readiness) -> None:
        assert not readiness.is_ready
        await readiness.required.probe()
        assert readiness.is_ready

    async def test_optional_model_does_not_make_it_ready(self, readiness: Readiness) -> None:
        await readiness.optional[0].probe()
        assert not readiness.is_ready

    async def test_ready_without_the_optional_model(self, readiness: Readiness, optional: FakeComparablesModel) -> None:
        optional.error = ModelServerUnavailable("away")
        for probe in readiness.probes:
            await probe.probe()
        assert readiness.is_ready
        assert [probe.is_answering for probe in readiness.probes] == [True, False]

    async def test_unready_without_the_required_model(self, readiness: Readiness, required: FakePriceModel) -> None:
        required.error = ModelServerUnavailable("away")
        for probe in readiness.probes:
            await probe.probe()
        assert not readiness.is_ready

    async def test_unready_while_the_process_stops(self, readiness: Readiness) -> None:
        await readiness.required.probe()
        readiness.stop()
        assert readiness.is_stopping
        assert not readiness.is_ready
