"""The contract of every job queue: that of the tests, and DBOS on SQLite and on a real Postgres."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.engine import make_url

from fakes import FakeJobQueue
from housing_price_orchestrator.provider.jobs.queue import DBOSJobQueue
from housing_price_orchestrator.shared.errors import JobClaimTaken, JobsUnavailable, ValueUnsupported
from housing_price_orchestrator.shared.jobs import JOB_KINDS, JobKind, JobOrder, QueueFigures
from housing_price_orchestrator.shared.ports import JobQueue
from postgres import Postgres

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["fake", "sqlite", "postgres"])
async def queue(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[JobQueue]:
    if request.param == "fake":
        yield FakeJobQueue()
        return
    if request.param == "postgres":
        postgres: Postgres = request.getfixturevalue("postgres")
        url = postgres.new_database().replace("postgresql://", "postgresql+psycopg://")
    else:
        url = f"sqlite:///{tmp_path}/jobs.db"
    async with DBOSJobQueue(make_url(url), wait_seconds=10) as real:
        yield real


def order(number: int = 1, **changes: Any) -> JobOrder:
    kind: JobKind = changes.pop("kind", "scoring")
    fields = {"owner": "key-a", "fingerprint": "f", "arguments": {"input": "x.csv", "format": "csv"}, **changes}
    return JobOrder(id=f"{number:032x}", kind=kind, **fields)


async def test_a_job_is_found_as_it_was_submitted(queue: JobQueue) -> None:
    submitted = await queue.submit(order())
    found = await queue.find(submitted.id)
    assert found == submitted
    assert (found.id, found.kind, found.owner, found.fingerprint) == (f"{1:032x}", "scoring", "key-a", "f")
    assert found.arguments == {"input": "x.csv", "format": "csv"}
    assert found.state == "queued"
    assert found.created_at.tzinfo is not None
    assert (found.started_at, found.finished_at, found.progress, found.failure, found.output) == (None,) * 5


async def test_of_two_orders_of_one_id_the_first_stays(queue: JobQueue) -> None:
    await queue.submit(order(fingerprint="first"))
    again = await queue.submit(order(fingerprint="second", owner="key-b"))
    assert (again.fingerprint, again.owner) == ("first", "key-a")


async def test_fifty_orders_of_one_id_at_the_same_time_are_one_job(queue: JobQueue) -> None:
    jobs = await asyncio.gather(*(queue.submit(order(fingerprint=str(number))) for number in range(50)))
    assert len({job.fingerprint for job in jobs}) == 1
    assert len(await queue.page(kinds=JOB_KINDS, owner=None, limit=100, offset=0)) == 1


async def test_of_two_unfinished_jobs_only_one_has_a_claim(queue: JobQueue) -> None:
    first = await queue.submit(order(1, claim="a"))
    with pytest.raises(JobClaimTaken):
        await queue.submit(order(2, claim="a"))
    assert await queue.find(f"{2:032x}") is None
    # A repeated order is the same job, other claims and other kinds do not matter.
    assert await queue.submit(order(1, claim="a")) == first
    await queue.submit(order(3, claim="b"))
    await queue.submit(order(4, kind="training", claim="a"))
    # A job that has ended claims nothing.
    await queue.cancel(first.id)
    assert (await queue.submit(order(5, claim="a"))).state == "queued"


async def test_of_many_jobs_with_one_claim_at_the_same_time_one_is_accepted(queue: JobQueue) -> None:
    orders = (queue.submit(order(number, claim="a")) for number in range(20))
    outcomes = await asyncio.gather(*orders, return_exceptions=True)
    assert sum(not isinstance(outcome, JobClaimTaken) for outcome in outcomes) == 1
    assert len(await queue.page(kinds=JOB_KINDS, owner=None, limit=100, offset=0)) == 1


async def test_what_is_unknown_is_not_found(queue: JobQueue) -> None:
    assert await queue.find("0" * 32) is None
    await queue.cancel("0" * 32)
    assert await queue.page(kinds=JOB_KINDS, owner=None, limit=10, offset=0) == []


async def test_a_cancelled_job_stays_cancelled_and_found(queue: JobQueue) -> None:
    job = await queue.submit(order(kind="training", arguments={"seed": 0}))
    for _ in range(2):
        await queue.cancel(job.id)
        found = await queue.find(job.id)
        assert found is not None
        assert found.state == "cancelled"
        assert found.finished_at is not None
    assert [one.state for one in await queue.page(kinds=JOB_KINDS, owner="key-a", limit=10, offset=0)] == ["cancelled"]


async def test_pages_hold_the_latest_first_and_one_owner(queue: JobQueue) -> None:
    for number in range(6):
        await queue.submit(order(number, owner="key-a" if number % 2 else "key-b"))
        # Times of jobs are kept in milliseconds.
        await asyncio.sleep(0.002)
    everything = await queue.page(kinds=JOB_KINDS, owner=None, limit=10, offset=0)
    assert [int(job.id, 16) for job in everything] == [5, 4, 3, 2, 1, 0]
    assert [int(job.id, 16) for job in await queue.page(kinds=JOB_KINDS, owner="key-a", limit=2, offset=1)] == [3, 1]
    assert await queue.page(kinds=JOB_KINDS, owner="key-c", limit=10, offset=0) == []


async def test_pages_hold_the_kinds_that_were_asked_for(queue: JobQueue) -> None:
    kinds: tuple[JobKind, ...] = ("scoring", "training", "lifecycle")
    for number, kind in enumerate(kinds):
        await queue.submit(order(number, kind=kind))

    async def found(*wanted: JobKind) -> set[JobKind]:
        return {job.kind for job in await queue.page(owner=None, kinds=wanted, limit=10, offset=0)}

    assert await found("lifecycle") == {"lifecycle"}
    assert await found("scoring", "training") == {"scoring", "training"}
    assert await found() == set()


async def test_unfinished_jobs_are_told_by_kind(queue: JobQueue) -> None:
    assert not await queue.has_unfinished("lifecycle")
    job = await queue.submit(order(kind="lifecycle"))
    assert await queue.has_unfinished("lifecycle")
    assert not await queue.has_unfinished("training")
    await queue.cancel(job.id)
    assert not await queue.has_unfinished("lifecycle")


async def test_figures_count_the_jobs_that_wait_by_kind(queue: JobQueue) -> None:
    assert await queue.figures() == dict.fromkeys(JOB_KINDS, QueueFigures())
    for number, kind in enumerate(("scoring", "scoring", "training")):
        await queue.submit(order(number, kind=kind))
    await queue.cancel(f"{1:032x}")
    await asyncio.sleep(0.002)
    figures = await queue.figures()
    assert {kind: figures[kind].waiting for kind in JOB_KINDS} == {"scoring": 1, "training": 1, "lifecycle": 0}
    assert {kind: one.oldest_waiting_seconds > 0 for kind, one in figures.items()} == {
        "scoring": True,
        "training": True,
        "lifecycle": False,
    }
    assert {(one.running, one.failed_last_hour, one.running_workers) for one in figures.values()} == {(0, 0, None)}


@pytest.mark.parametrize("odd", ["a\0b", "\ud800"], ids=["NUL", "a lone surrogate"])
async def test_an_owner_that_a_database_cannot_hold_is_not_an_unavailable_queue(queue: JobQueue, odd: str) -> None:
    try:
        job = await queue.submit(order(owner=odd))
        assert job.owner == odd
        assert await queue.page(kinds=JOB_KINDS, owner=odd, limit=10, offset=0) == [job]
    except ValueUnsupported:
        assert await queue.find(order().id) is None


async def test_a_database_that_is_away_has_a_name(tmp_path: Path) -> None:
    (tmp_path / "no-folder").write_text("a file")
    async with DBOSJobQueue(make_url(f"sqlite:///{tmp_path}/no-folder/jobs.db"), wait_seconds=1) as queue:
        for _ in range(2):
            with pytest.raises(JobsUnavailable):
                await queue.find("0" * 32)
