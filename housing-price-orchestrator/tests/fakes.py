"""Stand-ins that we wrote; each passes the contract suite of its port (`contract/`)."""

import asyncio
import zlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, NamedTuple, cast

import orjson

from housing_price_orchestrator.provider.model_server.columns import row_of
from housing_price_orchestrator.service.resilience.circuit_breaker import Circuit
from housing_price_orchestrator.shared.errors import JobClaimTaken, RowsRefused, SomeAnswersUnusable
from housing_price_orchestrator.shared.jobs import (
    JOB_KINDS,
    NEXT_STATES,
    Job,
    JobFailure,
    JobKind,
    JobOrder,
    QueueFigures,
)
from housing_price_orchestrator.shared.ports import (
    Blend,
    Comparables,
    ComparableSale,
    ComparablesQuestion,
    ModelIdentity,
    PriceEstimate,
)
from housing_price_orchestrator.shared.view.example import EXAMPLE_HOUSE
from housing_price_orchestrator.shared.view.house import House
from housing_price_orchestrator.shared.view.record import AnyHouse


class FakePriceModel:
    """Prices a house by its size alone, or fails with the error it was given, or waits until it is let go."""

    def __init__(self, *, error: Exception | None = None, gate: asyncio.Event | None = None) -> None:
        self.error = error
        self.gate = gate
        self.identity = ModelIdentity("fake", "1", "fake-1")
        self.asked: list[tuple[AnyHouse, ...]] = []
        self._was_asked = asyncio.Event()

    async def answer(self, houses: Sequence[AnyHouse], /) -> Sequence[PriceEstimate]:
        if not houses:
            return []
        self.asked.append(tuple(houses))
        self._was_asked.set()
        if self.gate is not None:
            await self.gate.wait()
        if self.error is not None:
            raise self.error
        return [self._estimate(house) for house in houses]

    async def wait_until_asked(self, times: int = 1) -> None:
        """Wait, for a bounded time, until it has been called this number of times."""
        async with asyncio.timeout(10):
            while len(self.asked) < times:
                self._was_asked.clear()
                await self._was_asked.wait()

    def _estimate(self, house: AnyHouse) -> PriceEstimate:
        sized = cast("House", house)  # a record has the attributes of `House`
        price = 50_000.25 + 60 * sized.gr_liv_area + sized.lot_area
        inputs = orjson.dumps(row_of(house))
        return PriceEstimate(price, 0.8 * price, 1.3 * price, self.identity, inputs=inputs)


class FakeComparablesModel:
    """Finds made-up sales that depend on the question alone, or fails with the error it was given."""

    def __init__(self, *, error: Exception | None = None, gate: asyncio.Event | None = None) -> None:
        self.error = error
        self.gate = gate
        self.identity = ModelIdentity("fake-comparables", "1", "fake-comparables-1")
        self.blend = Blend(weight=0.5, distance_offset=0.3, interval_scale=0.9, interval_spread=0.5)
        self.asked: list[tuple[ComparablesQuestion, ...]] = []
        self._was_asked = asyncio.Event()

    async def answer(self, questions: Sequence[ComparablesQuestion], /) -> Sequence[Comparables]:
        if not questions:
            return []
        self.asked.append(tuple(questions))
        self._was_asked.set()
        if self.gate is not None:
            await self.gate.wait()
        if self.error is not None:
            raise self.error
        return [self._comparables(question) for question in questions]

    async def wait_until_asked(self, times: int = 1) -> None:
        """Wait, for a bounded time, until it has been asked so often."""
        async with asyncio.timeout(10):
            while len(self.asked) < times:
                self._was_asked.clear()
                await self._was_asked.wait()

    def _comparables(self, question: ComparablesQuestion) -> Comparables:
        seed = zlib.crc32(repr((row_of(question.house), sorted(question.known))).encode())
        sales = []
        for rank in range(question.k):
            number = 1 + (seed + rank) % 2_930
            sold = EXAMPLE_HOUSE.model_copy(update={"id": number, "lot_area": 5_000.0 + number})
            price = 100_000.0 + seed % 50_000 + 1_000 * rank
            sales.append(
                ComparableSale(number, f"{number:010}", price, 2_010, 6, "Normal", 0.25 * rank + seed % 7, sold)
            )
        return Comparables(tuple(sales), self.blend, self.identity)


class Length(NamedTuple):
    """The answer of `FakeLengthModel`."""

    letters: int
    model: ModelIdentity


class FakeLengthModel:
    """Answers each text with its number of letters, or fails as told: a model that knows nothing of houses."""

    def __init__(
        self, *, error: Exception | None = None, refused: Collection[str] = (), unusable: Collection[str] = ()
    ) -> None:
        self.error = error
        self.refused = refused
        self.unusable = unusable
        self.identity = ModelIdentity("lengths", "1", "lengths-1")

    async def answer(self, questions: Sequence[str], /) -> Sequence[Length]:
        if not questions:
            return []
        await asyncio.sleep(0)
        if self.error is not None:
            raise self.error
        if any(text in self.refused for text in questions):
            raise RowsRefused("a refused text")
        answers = [None if text in self.unusable else Length(len(text), self.identity) for text in questions]
        usable = [answer for answer in answers if answer is not None]
        if len(usable) < len(answers):
            raise SomeAnswersUnusable("an unusable answer", answers)
        return usable


class FakeClock:
    """A time that passes when the test says so."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now

    def passes(self, seconds: float) -> None:
        self.now += seconds


def a_circuit(**changes: Any) -> Circuit:
    """A circuit breaker's state, with some of its limits changed."""
    limits = {"max_failures": 5, "max_slow_calls": 2, "open_seconds": 0.25, "max_open_seconds": 1.0}
    return Circuit("http://model", **{**limits, **changes})


class FakeJobQueue:
    """Keeps jobs in memory; the test does what a worker would do."""

    def __init__(self) -> None:
        self.jobs: dict[str, Job] = {}
        self._claims: dict[str, str | None] = {}
        self.error: Exception | None = None
        self._numbers = count()

    async def submit(self, order: JobOrder, /) -> Job:
        self._fail_if_told()
        unfinished = (job.id for job in self.jobs.values() if NEXT_STATES[job.state] and job.kind == order.kind)
        if order.claim is not None and any(
            self._claims.get(one) == order.claim for one in unfinished if one != order.id
        ):
            raise JobClaimTaken(order.id)
        self._claims.setdefault(order.id, order.claim)
        created_at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=next(self._numbers))
        job = Job(order.id, order.kind, order.owner, order.fingerprint, order.arguments, "queued", created_at)
        return self.jobs.setdefault(order.id, job)

    async def find(self, job_id: str, /) -> Job | None:
        self._fail_if_told()
        return self.jobs.get(job_id)

    async def page(self, *, owner: str | None, kinds: Collection[JobKind], limit: int, offset: int) -> Sequence[Job]:
        self._fail_if_told()
        latest = sorted(self.jobs.values(), key=lambda job: job.created_at, reverse=True)
        visible = [job for job in latest if job.kind in kinds and (owner is None or job.owner == owner)]
        return visible[offset : offset + limit]

    async def has_unfinished(self, kind: JobKind, /) -> bool:
        self._fail_if_told()
        return any(job.kind == kind and NEXT_STATES[job.state] for job in self.jobs.values())

    async def cancel(self, job_id: str, /) -> None:
        self._fail_if_told()
        job = self.jobs.get(job_id)
        if job is not None and NEXT_STATES[job.state]:
            self.jobs[job_id] = replace(job.with_state("cancelled"), finished_at=job.created_at)

    async def figures(self) -> Mapping[JobKind, QueueFigures]:
        self._fail_if_told()
        return {kind: self._figures_of(kind) for kind in JOB_KINDS}

    def _figures_of(self, kind: JobKind) -> QueueFigures:
        states = [job.state for job in self.jobs.values() if job.kind == kind]
        return QueueFigures(
            waiting=states.count("queued"),
            running=states.count("running"),
            oldest_waiting_seconds=1.0 if "queued" in states else 0.0,
            failed_last_hour=states.count("failed"),
        )

    def takes(self, job_id: str) -> None:
        """A worker begins."""
        job = self.jobs[job_id]
        self.jobs[job_id] = replace(job.with_state("running"), started_at=job.created_at)

    def tells(self, job_id: str, **progress: Any) -> None:
        """A worker tells how far it is."""
        self.jobs[job_id] = replace(self.jobs[job_id], progress=progress)

    def succeeds(self, job_id: str, output: Mapping[str, Any]) -> None:
        """A worker is done."""
        job = self.jobs[job_id]
        self.jobs[job_id] = replace(job.with_state("succeeded"), finished_at=job.created_at, output=output)

    def fails(self, job_id: str, code: str, detail: str, facts: Mapping[str, Any] | None = None) -> None:
        """A worker gives up."""
        job = self.jobs[job_id]
        failure = JobFailure(code, detail, facts)
        self.jobs[job_id] = replace(job.with_state("failed"), finished_at=job.created_at, failure=failure)

    def _fail_if_told(self) -> None:
        if self.error is not None:
            raise self.error
