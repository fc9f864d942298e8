"""Pricing from a worker thread: started early, waited for later, repeated while the model server is away."""

import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence

import pytest

from housing_price_orchestrator.shared.errors import (
    ModelServerFailed,
    ModelServerUnavailable,
    PriceImplausible,
)
from housing_price_orchestrator.shared.ports import ModelIdentity, PriceEstimate
from housing_price_orchestrator.shared.view.record import AnyHouse, EncodedHouse
from housing_price_orchestrator.worker.price_rows import Outcome
from housing_price_orchestrator.worker.wait_for_prices import RetryingPricing

HOUSES = [EncodedHouse(number, b"[]") for number in (1, 2)]
PRICES = [PriceEstimate(100.0, 90.0, 110.0, ModelIdentity("house-price", "1", "m-1"))] * 2
AWAY: list[Outcome] = [ModelServerUnavailable("away")] * 2
FAILED: list[Outcome] = [ModelServerFailed("500")] * 2


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    made = asyncio.new_event_loop()
    thread = threading.Thread(target=made.run_forever)
    thread.start()
    yield made
    made.call_soon_threadsafe(made.stop)
    thread.join(10)
    made.close()


class Model:
    """Answers each call with the next outcomes, and the last ones for ever."""

    def __init__(self, *answers: Sequence[Outcome]) -> None:
        self.answers = list(answers)
        self.calls = 0
        self.answered = threading.Semaphore(0)

    async def __call__(self, houses: Sequence[AnyHouse]) -> Sequence[Outcome]:
        self.calls += 1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        asyncio.get_running_loop().call_soon(self.answered.release)
        return answer[: len(houses)]


type MakePricing = Callable[..., RetryingPricing]


@pytest.fixture
def pricing_of(loop: asyncio.AbstractEventLoop, monkeypatch: pytest.MonkeyPatch) -> MakePricing:
    monkeypatch.setattr("housing_price_platform.jobs.temporary.FIRST_PAUSE_SECONDS", 0.01)

    def make(model: Model, *, max_wait_seconds: float = 60.0, is_cancelled: bool = False) -> RetryingPricing:
        return RetryingPricing(model, loop, max_wait_seconds=max_wait_seconds, is_cancelled=lambda: is_cancelled)

    return make


def test_houses_are_priced_before_anyone_waits(pricing_of: MakePricing) -> None:
    model = Model(PRICES)
    wait = pricing_of(model)(HOUSES)
    assert model.answered.acquire(timeout=10)
    assert wait() == PRICES
    assert model.calls == 1


def test_no_houses_need_no_call(pricing_of: MakePricing) -> None:
    model = Model(PRICES)
    assert list(pricing_of(model)([])()) == []
    assert model.calls == 0


def test_a_server_that_is_away_is_asked_again(pricing_of: MakePricing) -> None:
    model = Model(AWAY, AWAY, PRICES)
    assert pricing_of(model, max_wait_seconds=1e-9)(HOUSES)() == PRICES
    assert model.calls == 3


def test_an_early_failure_is_repeated_at_once(pricing_of: MakePricing, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("housing_price_platform.jobs.temporary.FIRST_PAUSE_SECONDS", 1e6)
    model = Model(AWAY, PRICES)
    pricing = pricing_of(model)
    wait = pricing(HOUSES)
    assert model.answered.acquire(timeout=10)
    # The outcome is set behind the release: another call passes through the same loop first.
    assert pricing(HOUSES)() == PRICES
    assert wait() == PRICES
    assert model.calls == 3


def test_errors_of_the_server_are_raised_when_the_patience_ends(pricing_of: MakePricing) -> None:
    with pytest.raises(ModelServerFailed):
        pricing_of(Model(FAILED), max_wait_seconds=1e-9)(HOUSES)()


def test_a_cancelled_job_does_not_wait(pricing_of: MakePricing) -> None:
    with pytest.raises(ModelServerUnavailable):
        pricing_of(Model(AWAY), is_cancelled=True)(HOUSES)()


def test_errors_of_rows_are_outcomes(pricing_of: MakePricing) -> None:
    outcomes: list[Outcome] = [PRICES[0], PriceImplausible("no", [])]
    model = Model(outcomes)
    assert pricing_of(model)(HOUSES)() == outcomes
    assert model.calls == 1
