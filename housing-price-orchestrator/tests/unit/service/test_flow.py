"""A toy flow: breakfast. Eggs are a must; toast is welcome, and buttered toast needs toast and butter."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
import structlog

from housing_price_orchestrator.service.flow import Flow, OptionalPart, PartProblem, RequiredPart, Values
from housing_price_orchestrator.shared.deadline import current_deadline, deadline_at
from housing_price_orchestrator.shared.errors import CircuitOpen, DeadlineExceeded, ModelServerUnavailable

pytestmark = pytest.mark.anyio

LONG_SECONDS = 30


def running_parts() -> set[str]:
    return {task.get_name() for task in asyncio.all_tasks()} & {"eggs", "toast", "plate"}


def gives[Value](value: Value) -> Callable[[Values], Awaitable[Value]]:
    async def run(_: Values) -> Value:
        return value

    return run


def fails(error: BaseException) -> Callable[[Values], Awaitable[str]]:
    async def run(_: Values) -> str:
        await asyncio.sleep(0)
        raise error

    return run


class Endless:
    """A part that runs until it is cancelled."""

    def __init__(self) -> None:
        self.started = asyncio.Event()
        self.is_cancelled = False

    async def __call__(self, _: Values) -> str:
        self.started.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.is_cancelled = True
            raise
        return "never"


async def test_each_part_gets_the_values_of_its_needs() -> None:
    breakfast = Flow()
    eggs = breakfast.required("eggs", gives(2))
    toast = breakfast.optional("toast", gives("toast"), share=0.5)

    async def serve(values: Values) -> str:
        return f"{values[eggs]} eggs, {values[toast]}"

    plate = breakfast.optional("plate", serve, needs=(eggs, toast), share=1)
    outcome = await breakfast.run()
    assert (outcome[eggs], outcome[toast], outcome[plate]) == (2, "toast", "2 eggs, toast")
    assert outcome.problems == ()


async def test_parts_without_a_need_of_each_other_run_side_by_side() -> None:
    meeting = asyncio.Barrier(3)

    async def meet(_: Values) -> int:
        async with asyncio.timeout(LONG_SECONDS):
            return await meeting.wait()

    breakfast = Flow()
    water = breakfast.required("water", gives("water"))
    parts = [breakfast.required(name, meet, needs=(water,)) for name in ("eggs", "toast", "tea")]
    outcome = await breakfast.run()
    assert {outcome[part] for part in parts} == {0, 1, 2}


async def test_a_part_does_not_wait_for_parts_that_it_does_not_need() -> None:
    boiled = asyncio.Event()

    async def boil(_: Values) -> str:
        async with asyncio.timeout(LONG_SECONDS):
            await boiled.wait()
        return "boiled"

    async def butter(_: Values) -> str:
        boiled.set()
        return "buttered"

    breakfast = Flow()
    breakfast.required("eggs", boil)
    toast = breakfast.required("toast", gives("toast"))
    buttered = breakfast.required("butteredToast", butter, needs=(toast,))
    assert (await breakfast.run())[buttered] == "buttered"


async def test_failed_optional_part_is_none_with_its_error() -> None:
    error = ModelServerUnavailable("no bread")
    breakfast = Flow()
    eggs = breakfast.required("eggs", gives(2))
    toast = breakfast.optional("toast", fails(error), share=0.5)
    outcome = await breakfast.run()
    assert (outcome[eggs], outcome[toast]) == (2, None)
    assert outcome.problems == (PartProblem("toast", error),)


async def test_parts_that_need_a_failed_part_are_skipped_with_the_first_cause() -> None:
    error = CircuitOpen("bakery", 2)
    ran: list[str] = []

    async def note(_: Values) -> str:
        ran.append("ran")
        return "done"

    breakfast = Flow()
    toast = breakfast.optional("toast", fails(error), share=0.5)
    butter = breakfast.optional("butter", gives("butter"), share=0.5)
    buttered = breakfast.optional("butteredToast", note, needs=(butter, toast), share=0.5)
    plate = breakfast.optional("plate", note, needs=(buttered, toast), share=0.5)
    outcome = await breakfast.run()
    assert (outcome[buttered], outcome[plate], ran) == (None, None, [])
    assert outcome[butter] == "butter"
    assert outcome.problems == (
        PartProblem("toast", error),
        PartProblem("butteredToast", error, "toast"),
        PartProblem("plate", error, "toast"),
    )


async def test_part_with_two_failed_needs_has_one_problem() -> None:
    breakfast = Flow()
    toast = breakfast.optional("toast", fails(ModelServerUnavailable("no bread")), share=0.5)
    butter = breakfast.optional("butter", fails(ModelServerUnavailable("no butter")), share=0.5)
    breakfast.optional("butteredToast", gives("never"), needs=(butter, toast), share=0.5)
    problems = (await breakfast.run()).problems
    assert [problem.part for problem in problems] == ["toast", "butter", "butteredToast"]


async def test_failed_required_part_fails_the_flow_and_cancels_the_others() -> None:
    cause = OSError("refused")
    error = ModelServerUnavailable("no eggs")
    error.__cause__ = cause
    toast = Endless()

    async def fail(_: Values) -> str:
        await toast.started.wait()
        raise error

    breakfast = Flow()
    breakfast.optional("toast", toast, share=1)
    eggs = breakfast.required("eggs", fail)
    breakfast.required("plate", gives("never"), needs=(eggs,))
    with pytest.raises(ModelServerUnavailable) as caught:
        await breakfast.run(within_seconds=LONG_SECONDS)
    assert caught.value is error
    assert error.__cause__ is cause
    assert toast.is_cancelled
    assert running_parts() == set()


async def test_cancelled_caller_cancels_every_part() -> None:
    eggs, toast = Endless(), Endless()
    breakfast = Flow()
    breakfast.required("eggs", eggs)
    breakfast.optional("toast", toast, share=0.5)
    task = asyncio.create_task(breakfast.run())
    await asyncio.gather(eggs.started.wait(), toast.started.wait())
    assert running_parts() == {"eggs", "toast"}
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert eggs.is_cancelled
    assert toast.is_cancelled
    assert running_parts() == set()


async def test_part_that_ignores_its_cancellation_starts_no_other_part() -> None:
    started, ran = asyncio.Event(), []

    async def stubborn(_: Values) -> str:
        started.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return "done all the same"
        return "never"

    async def note(_: Values) -> None:
        ran.append("ran")

    breakfast = Flow()
    eggs = breakfast.required("eggs", stubborn)
    breakfast.required("plate", note, needs=(eggs,))
    task = asyncio.create_task(breakfast.run())
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ran == []


async def test_part_that_cancels_itself_has_failed() -> None:
    breakfast = Flow()
    toast = breakfast.optional("toast", fails(asyncio.CancelledError()), share=1)
    outcome = await breakfast.run()
    assert outcome[toast] is None
    assert str(outcome.problems[0].error) == "toast cancelled itself"


async def test_optional_part_ends_at_its_share_of_the_time() -> None:
    toast = Endless()
    breakfast = Flow()
    eggs = breakfast.required("eggs", gives(2))
    late = breakfast.optional("toast", toast, share=0.001)
    outcome = await breakfast.run(within_seconds=LONG_SECONDS)
    assert (outcome[eggs], outcome[late]) == (2, None)
    assert isinstance(outcome.problems[0].error, DeadlineExceeded)
    assert toast.is_cancelled


async def test_part_whose_time_has_passed_is_not_started() -> None:
    ran: list[str] = []

    async def note(_: Values) -> None:
        ran.append("ran")

    async def slow(_: Values) -> None:
        await asyncio.sleep(0.02)

    breakfast = Flow()
    eggs = breakfast.required("eggs", slow)
    breakfast.optional("plate", note, needs=(eggs,), share=0.001)
    (problem,) = (await breakfast.run(within_seconds=10)).problems
    assert isinstance(problem.error, DeadlineExceeded)
    assert ran == []


async def test_required_part_has_the_time_of_the_request() -> None:
    breakfast = Flow()
    breakfast.required("eggs", Endless())
    with deadline_at(time.monotonic() + 0.01), pytest.raises(DeadlineExceeded):
        await breakfast.run(within_seconds=LONG_SECONDS)


async def test_each_part_sees_its_own_deadline() -> None:
    async def deadline(_: Values) -> float | None:
        return current_deadline.get()

    breakfast = Flow()
    eggs = breakfast.required("eggs", deadline)
    toast = breakfast.optional("toast", deadline, share=0.25)
    start = time.monotonic()
    outcome = await breakfast.run(within_seconds=100)
    assert outcome[eggs] == pytest.approx(start + 100, abs=5)
    assert outcome[toast] == pytest.approx(start + 25, abs=5)
    assert current_deadline.get() is None


async def test_flow_without_time_limit_sets_none() -> None:
    breakfast = Flow()
    toast = breakfast.optional("toast", gives("toast"), share=0.5)
    assert (await breakfast.run())[toast] == "toast"


async def test_timeout_of_a_part_itself_is_not_taken_for_its_deadline() -> None:
    error = TimeoutError("of a socket")
    breakfast = Flow()
    breakfast.optional("toast", fails(error), share=1)
    assert (await breakfast.run(within_seconds=LONG_SECONDS)).problems[0].error is error


@pytest.fixture
def logged() -> Iterator[list[Any]]:
    with structlog.testing.capture_logs() as entries:
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger("debug"))
        yield entries


async def test_only_unexpected_errors_are_logged(logged: list[Any]) -> None:
    breakfast = Flow()
    breakfast.optional("toast", fails(ModelServerUnavailable("no bread")), share=1)
    breakfast.optional("tea", fails(ZeroDivisionError("a mistake")), share=1)
    assert len((await breakfast.run()).problems) == 2
    (entry,) = logged
    assert (entry["event"], entry["part"], entry["log_level"]) == ("part failed", "tea", "error")


async def test_flow_can_be_run_several_times_at_once() -> None:
    numbers = iter(range(10))

    async def count(_: Values) -> int:
        await asyncio.sleep(0)
        return next(numbers)

    breakfast = Flow()
    eggs = breakfast.required("eggs", count)
    outcomes = await asyncio.gather(*(breakfast.run() for _ in range(10)))
    assert {outcome[eggs] for outcome in outcomes} == set(range(10))


async def test_flow_without_parts_has_an_empty_outcome() -> None:
    assert (await Flow().run()).problems == ()


async def test_impossible_parts_are_refused() -> None:
    breakfast, other = Flow(), Flow()
    eggs: RequiredPart[int] = breakfast.required("eggs", gives(2))
    toast: OptionalPart[str] = breakfast.optional("toast", gives("toast"), share=0.5)
    with pytest.raises(ValueError, match="already has a part eggs"):
        breakfast.required("eggs", gives(3))
    with pytest.raises(ValueError, match="plate needs eggs, which is not a part of this flow"):
        other.required("plate", gives("plate"), needs=(eggs,))
    with pytest.raises(ValueError, match="plate is required and cannot need toast"):
        breakfast.required("plate", gives("plate"), needs=(toast,))  # type: ignore[arg-type]  # the refusal is tested
    for share in (0, -1, 1.5, float("nan")):
        with pytest.raises(ValueError, match="the share of tea"):
            breakfast.optional("tea", gives("tea"), share=share)
