"""Random flows: every part runs at most once, after its needs; failures stay where they belong; no task is left."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Literal

from hypothesis import given
from hypothesis import strategies as some

from housing_price_orchestrator.service.flow import Flow, Outcome, Part, Values

type Ending = Literal["value", "error"]


@dataclass(frozen=True)
class Plan:
    """A part: whether it is required, the earlier parts that it needs, its turns of the loop, and its ending."""

    is_required: bool
    needs: frozenset[int]
    turns: int
    ending: Ending


@some.composite
def plans(draw: some.DrawFn) -> list[Plan]:
    parts: list[Plan] = []
    for at in range(draw(some.integers(0, 8))):
        needs = draw(some.frozensets(some.integers(0, at - 1))) if at else frozenset()
        may_be_required = all(parts[need].is_required for need in needs)
        ending: Ending = draw(some.sampled_from(["value", "value", "error"]))
        parts.append(Plan(may_be_required and draw(some.booleans()), needs, draw(some.integers(0, 4)), ending))
    return parts


class Failed(Exception):
    """The error of a part, with its number."""


class Diary:
    """Runs a flow made from plans, and keeps what happened."""

    def __init__(self, parts: list[Plan]) -> None:
        self.started: list[int] = []
        self.ended: list[int] = []
        self.flow = Flow()
        self.parts: list[Part[Any]] = []
        for at, plan in enumerate(parts):
            needs = [self.parts[need] for need in plan.needs]
            run = self._run_of(at, plan)
            self.parts.append(
                self.flow.required(str(at), run, needs=needs)  # type: ignore[arg-type]  # plans need required parts
                if plan.is_required
                else self.flow.optional(str(at), run, needs=needs, share=1)
            )

    def _run_of(self, at: int, plan: Plan) -> Callable[[Values], Awaitable[int]]:
        async def run(values: Values) -> int:
            assert at not in self.started
            self.started.append(at)
            assert [values[self.parts[need]] for need in plan.needs] == list(plan.needs)
            for _ in range(plan.turns):
                await asyncio.sleep(0)
            self.ended.append(at)
            if plan.ending == "error":
                raise Failed(at)
            return at

        return run


async def _run(diary: Diary, cancel_after: int | None) -> Outcome | Failed | None:
    """Return the outcome, the error of the flow, or None if it was cancelled."""
    task = asyncio.create_task(diary.flow.run())
    if cancel_after is not None:
        for _ in range(cancel_after):
            await asyncio.sleep(0)
        task.cancel()
    try:
        return await task
    except asyncio.CancelledError:
        return None
    except Failed as error:
        return error
    finally:
        assert asyncio.all_tasks() == {asyncio.current_task()}


@given(plans(), some.none() | some.integers(0, 12))
def test_random_flows_keep_their_promises(parts: list[Plan], cancel_after: int | None) -> None:
    diary = Diary(parts)
    result = asyncio.run(_run(diary, cancel_after))
    first_causes: dict[int, set[int]] = {}
    for at, plan in enumerate(parts):
        inherited = set().union(*(first_causes[need] for need in plan.needs))
        first_causes[at] = inherited or ({at} if plan.ending == "error" else set())
    fatal = {at for at, plan in enumerate(parts) if plan.is_required and at in first_causes[at]}
    if isinstance(result, Failed):
        assert result.args[0] in fatal & set(diary.ended)
    elif result is None:
        assert cancel_after is not None
    else:
        assert not fatal
        assert set(diary.ended) == {at for at in first_causes if first_causes[at] <= {at}}
        problems = {int(problem.part): problem for problem in result.problems}
        assert list(problems) == [at for at in first_causes if first_causes[at]]
        for at, part in enumerate(diary.parts):
            value = result[part]  # type: ignore[call-overload]  # a part of either kind
            assert value == (None if first_causes[at] else at)
            if first_causes[at]:
                assert isinstance(problems[at].error, Failed)
                cause = problems[at].error.args[0]
                assert cause in first_causes[at]
                assert problems[at].cause == (None if cause == at else str(cause))
