"""Retries: which errors, how often, and within which limits."""

import contextlib
from collections.abc import Sequence

import pytest

from factories import house, houses
from fakes import FakeClock, FakePriceModel
from housing_price_orchestrator.service.resilience.retry import WINDOW_SECONDS, RetryBudget, RetryModel
from housing_price_orchestrator.shared import errors
from housing_price_orchestrator.shared.deadline import deadline_at
from housing_price_orchestrator.shared.ports import PriceEstimate
from housing_price_orchestrator.shared.view.record import AnyHouse

pytestmark = pytest.mark.anyio

BACKOFF = 0.1


class Flaky(FakePriceModel):
    """Fails the given number of times, and then prices."""

    def __init__(self, failures: int, error: Exception | None = None) -> None:
        super().__init__()
        self.failures = failures
        self.kind = error or errors.ModelServerUnavailable("away")

    async def answer(self, houses: Sequence[AnyHouse], /) -> Sequence[PriceEstimate]:
        self.error = self.kind if len(self.asked) < self.failures else None
        return await super().answer(houses)


class Rig:
    """Retries with a fake clock that `sleep` advances, and with maximum pauses."""

    def __init__(self, model: FakePriceModel, *, max_attempts: int = 3, ratio: float = 0.2, floor: int = 3) -> None:
        self.clock = FakeClock()
        self.pauses: list[float] = []
        self.budget = RetryBudget(ratio=ratio, floor=floor, clock=self.clock)
        self.model = RetryModel(
            model,
            budget=self.budget,
            max_attempts=max_attempts,
            backoff_seconds=BACKOFF,
            clock=self.clock,
            sleep=self._sleep,
            draw=lambda _low, high: high,
        )

    async def _sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.clock.passes(seconds)


@pytest.mark.parametrize("failures", [0, 1, 2])
async def test_transient_failure_is_retried_until_success(failures: int) -> None:
    behind = Flaky(failures)
    rig = Rig(behind)
    assert list(await rig.model.answer(houses(2))) == list(await FakePriceModel().answer(houses(2)))
    assert len(behind.asked) == 1 + failures
    assert rig.model.retries == failures


async def test_error_of_the_last_attempt_is_raised() -> None:
    behind = Flaky(99)
    with pytest.raises(errors.ModelServerUnavailable):
        await Rig(behind, max_attempts=3).model.answer([house()])
    assert len(behind.asked) == 3


async def test_one_attempt_means_no_retry() -> None:
    behind = Flaky(1)
    with pytest.raises(errors.ModelServerUnavailable):
        await Rig(behind, max_attempts=1).model.answer([house()])
    assert len(behind.asked) == 1


@pytest.mark.parametrize(
    "error",
    [
        errors.ModelServerBusy("no"),
        errors.ModelServerFailed("no"),
        errors.RowsRefused("no"),
        errors.AnswerMalformed("no"),
        errors.AnswerIncomplete("no"),
        errors.PriceImplausible("no", [None]),
        errors.CircuitOpen("http://model", 0.2),
        errors.DeadlineExceeded("no"),
        RuntimeError("a defect"),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_other_errors_are_not_retried(error: Exception) -> None:
    behind = Flaky(1, error)
    with pytest.raises(type(error)):
        await Rig(behind).model.answer([house()])
    assert len(behind.asked) == 1


async def test_maximum_pause_doubles_with_each_attempt() -> None:
    rig = Rig(Flaky(3), max_attempts=4)
    await rig.model.answer([house()])
    assert rig.pauses == [BACKOFF, 2 * BACKOFF, 4 * BACKOFF]


async def test_no_retry_starts_after_the_deadline() -> None:
    behind = Flaky(99)
    rig = Rig(behind, max_attempts=10, floor=100)
    # Enough time for the pauses 1 and 2, and not for 4.
    with deadline_at(rig.clock.now + 3.5 * BACKOFF), pytest.raises(errors.ModelServerUnavailable):
        await rig.model.answer([house()])
    assert len(behind.asked) == 3


async def test_no_retry_after_a_sleep_beyond_the_deadline() -> None:
    behind = Flaky(99)
    rig = Rig(behind)

    async def oversleep(seconds: float) -> None:
        rig.clock.passes(100 * seconds)

    model = RetryModel(
        behind,
        budget=rig.budget,
        max_attempts=3,
        backoff_seconds=BACKOFF,
        clock=rig.clock,
        sleep=oversleep,
        draw=lambda _shortest, longest: longest,
    )
    with deadline_at(rig.clock.now + 10 * BACKOFF), pytest.raises(errors.ModelServerUnavailable):
        await model.answer([house()])
    assert len(behind.asked) == 1
    assert model.retries == 0


@pytest.mark.parametrize("calls_per_second", [2, 10, 200])
async def test_at_most_1_2_attempts_per_call_when_half_of_them_fail(
    calls_per_second: int,
) -> None:
    class Half(FakePriceModel):
        async def answer(self, houses: Sequence[AnyHouse], /) -> Sequence[PriceEstimate]:
            self.error = errors.ModelServerUnavailable("away") if len(self.asked) % 2 == 0 else None
            return await super().answer(houses)

    behind = Half()
    rig = Rig(behind)
    calls = 30 * calls_per_second
    for _ in range(calls):
        rig.clock.passes(1 / calls_per_second)
        with contextlib.suppress(errors.ModelServerUnavailable):
            await rig.model.answer([house()])
    assert len(behind.asked) <= 1.2 * calls
    assert rig.model.retries > 0.15 * calls
    assert len(behind.asked) == calls + rig.model.retries


def test_budget_floor_applies_to_few_calls() -> None:
    budget = RetryBudget(ratio=0.2, floor=3, clock=FakeClock())
    budget.count_call()
    assert [budget.take_retry() for _ in range(5)] == [True, True, True, False, False]


def test_budget_ratio_applies_to_many_calls() -> None:
    budget = RetryBudget(ratio=0.2, floor=3, clock=FakeClock())
    for _ in range(100):
        budget.count_call()
    assert sum(budget.take_retry() for _ in range(100)) == 20


def test_old_calls_do_not_add_to_the_budget() -> None:
    clock = FakeClock()
    budget = RetryBudget(ratio=0.2, floor=3, clock=clock)
    for _ in range(100_000):
        budget.count_call()
    clock.passes(WINDOW_SECONDS + 1)
    assert sum(budget.take_retry() for _ in range(100)) == 3


def test_old_retries_do_not_use_the_budget() -> None:
    clock = FakeClock()
    budget = RetryBudget(ratio=0.2, floor=3, clock=clock)
    assert sum(budget.take_retry() for _ in range(10)) == 3
    clock.passes(WINDOW_SECONDS + 1)
    assert budget.take_retry()


async def test_retry_beyond_the_budget_is_counted_and_not_made() -> None:
    behind = Flaky(99)
    rig = Rig(behind, floor=0)
    with pytest.raises(errors.ModelServerUnavailable):
        await rig.model.answer([house()])
    assert len(behind.asked) == 1
    assert (rig.model.retries, rig.model.retries_refused) == (0, 1)


async def test_calls_refused_by_an_open_circuit_do_not_add_to_the_budget() -> None:
    refused = Rig(FakePriceModel(error=errors.CircuitOpen("somewhere", 1.0)))
    for _ in range(100):
        with pytest.raises(errors.CircuitOpen):
            await refused.model.answer([house()])
    assert sum(refused.budget.take_retry() for _ in range(100)) == 3
