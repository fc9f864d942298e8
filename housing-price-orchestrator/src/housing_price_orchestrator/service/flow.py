"""Runs the parts of an answer: side by side where they can, each with a deadline, each failing alone.

A part is an asynchronous function with a name. It starts as soon as the parts that it needs have succeeded. A required
part that fails ends the flow with its error. An optional part that fails leaves None and a problem.
"""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, overload

import structlog

from housing_price_orchestrator.shared.deadline import current_deadline, deadline_at
from housing_price_orchestrator.shared.errors import DeadlineExceeded, HousingPriceError


class Values:
    """The values of the parts that have succeeded so far."""

    def __init__(self, values: dict[str, Any]) -> None:
        """Read `values`, by the names of the parts."""
        self._values = values

    def __getitem__[Value](self, part: "Part[Value]") -> Value:
        """Return the value of a part; raises KeyError if the part has not succeeded."""
        value: Value = self._values[part.name]
        return value


@dataclass(frozen=True, slots=True, eq=False)
class Part[Value]:
    """One part of a flow."""

    name: str
    run: Callable[[Values], Awaitable[Value]]
    """Computes the value, from the values of `needs`. May be cancelled at any time."""
    needs: "tuple[Part[Any], ...]"
    share: float
    """The part ends when this share of the flow's time has passed."""


@dataclass(frozen=True, slots=True, eq=False)
class RequiredPart[Value](Part[Value]):
    """A part without which there is no answer."""


@dataclass(frozen=True, slots=True, eq=False)
class OptionalPart[Value](Part[Value]):
    """A part that may be missing in the answer."""


@dataclass(frozen=True, slots=True)
class PartProblem:
    """The reason why an optional part has no value."""

    part: str
    error: Exception
    cause: str | None = None
    """The needed part that failed with `error`; None if `part` itself failed."""


class Outcome:
    """The values of a flow, and the problems of the optional parts without a value."""

    def __init__(self, values: dict[str, Any], problems: Sequence[PartProblem]) -> None:
        """Keep the values by name, and the problems."""
        self._values = values
        self.problems: Final = tuple(problems)
        """One problem per part without a value, in the order in which the parts were added."""

    @overload
    def __getitem__[Value](self, part: RequiredPart[Value], /) -> Value: ...
    @overload
    def __getitem__[Value](self, part: OptionalPart[Value], /) -> Value | None: ...
    def __getitem__(self, part: Part[Any], /) -> Any:
        """Return the value of a part; None if an optional part failed or was skipped."""
        return self._values.get(part.name)


class Flow:
    """Named parts and what each of them needs. One flow may be run many times, also at the same time."""

    def __init__(self) -> None:
        """Start without parts."""
        self._parts: dict[str, Part[Any]] = {}

    def required[Value](
        self, name: str, run: Callable[[Values], Awaitable[Value]], *, needs: Sequence[RequiredPart[Any]] = ()
    ) -> RequiredPart[Value]:
        """Add a part whose failure fails the flow; it has all the time of the flow."""
        return self._add(RequiredPart(name, run, tuple(needs), 1))

    def optional[Value](
        self, name: str, run: Callable[[Values], Awaitable[Value]], *, needs: Sequence[Part[Any]] = (), share: float
    ) -> OptionalPart[Value]:
        """Add a part whose failure leaves a problem.

        It ends when `share` (0 to 1) of the flow's time has passed, counted from the start of the flow. It is skipped
        if a part that it needs fails.
        """
        return self._add(OptionalPart(name, run, tuple(needs), share))

    async def run(self, *, within_seconds: float = math.inf) -> Outcome:
        """Run all parts, within `within_seconds` and an earlier `current_deadline`.

        No part runs any more when this returns, raises or is cancelled.

        Raises:
            DeadlineExceeded: a required part did not end in time.
            Exception: the error of the required part that failed first; the other parts are cancelled.
        """
        run = _Run(tuple(self._parts.values()), within_seconds)
        try:
            async with asyncio.TaskGroup() as group:
                run.start_in(group)
        except ExceptionGroup as failures:
            error = failures.exceptions[0]
            raise error from error.__cause__
        problems = [run.problems[name] for name in self._parts if name in run.problems]
        return Outcome(run.values, problems)

    def _add[AnyPart: Part[Any]](self, part: AnyPart) -> AnyPart:
        if part.name in self._parts:
            raise ValueError(f"the flow already has a part {part.name}")
        for need in part.needs:
            if self._parts.get(need.name) is not need:
                raise ValueError(f"{part.name} needs {need.name}, which is not a part of this flow")
            if isinstance(part, RequiredPart) and isinstance(need, OptionalPart):
                # Both are parts, so the argument has the right type.
                raise ValueError(  # noqa: TRY004 - see above
                    f"{part.name} is required and cannot need {need.name}, which may fail"
                )
        if not 0 < part.share <= 1:
            raise ValueError(f"the share of {part.name} is {part.share}, not above 0 and at most 1")
        self._parts[part.name] = part
        return part


class _Run:
    """One run of a flow."""

    def __init__(self, parts: Sequence[Part[Any]], within_seconds: float) -> None:
        self._parts = parts
        self._started_at = time.monotonic()
        deadline = current_deadline.get()
        self._seconds = within_seconds if deadline is None else min(within_seconds, deadline - self._started_at)
        self._waiting = {part.name: {need.name for need in part.needs} for part in parts}
        self.values: dict[str, Any] = {}
        self.problems: dict[str, PartProblem] = {}

    def start_in(self, group: asyncio.TaskGroup) -> None:
        """Start every part whose needs have all succeeded, and which has not been started."""
        for part in self._parts:
            if self._waiting.get(part.name) == set():
                del self._waiting[part.name]
                group.create_task(self._run_part(part, group), name=part.name)

    async def _run_part(self, part: Part[Any], group: asyncio.TaskGroup) -> None:
        try:
            value = await self._value_of(part)
        except Exception as error:
            if isinstance(part, RequiredPart):
                raise
            if not isinstance(error, HousingPriceError):
                structlog.get_logger().exception("part failed", part=part.name, exc_info=error)
            self._fail(part, PartProblem(part.name, error))
            return
        self._stop_if_cancelled()
        self.values[part.name] = value
        for needed in self._waiting.values():
            needed.discard(part.name)
        self.start_in(group)

    async def _value_of(self, part: Part[Any]) -> Any:
        moment = self._started_at + part.share * self._seconds
        remaining = moment - time.monotonic()
        late = f"{part.name} did not end within {part.share * self._seconds:.3f} s"
        if remaining <= 0:
            raise DeadlineExceeded(late)
        limit = asyncio.timeout(None if remaining == math.inf else remaining)
        try:
            with deadline_at(moment):
                async with limit:
                    return await part.run(Values(self.values))
        except TimeoutError as error:
            # A TimeoutError that this limit did not cause passes through.
            if not limit.expired():
                raise
            raise DeadlineExceeded(late) from error
        except asyncio.CancelledError as error:
            self._stop_if_cancelled()
            raise RuntimeError(f"{part.name} cancelled itself") from error

    def _fail(self, part: Part[Any], problem: PartProblem) -> None:
        """Record a problem, and the same one for all parts that need this part, directly or not."""
        self.problems[part.name] = problem
        for other in self._parts:
            if part in other.needs and other.name not in self.problems:
                del self._waiting[other.name]
                self._fail(other, PartProblem(other.name, problem.error, problem.cause or part.name))

    @staticmethod
    def _stop_if_cancelled() -> None:
        """Raise CancelledError if the flow was cancelled, also when a part has ignored it."""
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise asyncio.CancelledError
