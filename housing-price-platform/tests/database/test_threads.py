"""Threads for database calls free their callers in time, and are replaced while they hang."""

import asyncio
import threading
import time
from collections.abc import Iterator

import pytest

from housing_price_platform.database.deadline import seconds_left
from housing_price_platform.database.threads import CallRefused, CallTimedOut, DatabaseThreads

PATIENT_SECONDS = 30.0
SHORT_SECONDS = 0.05


@pytest.fixture
def threads() -> Iterator[DatabaseThreads]:
    made = DatabaseThreads(2, max_waiting=3, name="test-calls")
    yield made
    made.close()


@pytest.fixture
def hang() -> Iterator[threading.Event]:
    """An event for which calls can wait; set at the end of the test."""
    event = threading.Event()
    yield event
    event.set()


def test_a_call_returns_its_result_or_raises_its_error(threads: DatabaseThreads) -> None:
    async def calls() -> None:
        assert await threads.run(lambda: 1 + 1, seconds=PATIENT_SECONDS) == 2
        with pytest.raises(ZeroDivisionError):
            await threads.run(lambda: 1 / 0, seconds=PATIENT_SECONDS)
        with pytest.raises(TimeoutError, match="from the call"):
            await threads.run(raise_timeout, seconds=PATIENT_SECONDS)

    def raise_timeout() -> None:
        raise TimeoutError("from the call")

    asyncio.run(calls())


def test_the_database_calls_of_a_thread_end_before_its_caller_gives_up(threads: DatabaseThreads) -> None:
    left = asyncio.run(threads.run(lambda: seconds_left(100.0), seconds=10.0))
    assert 8 < left < 10
    assert seconds_left(100.0) == 100.0


def test_callers_are_freed_and_stuck_threads_replaced(threads: DatabaseThreads, hang: threading.Event) -> None:
    async def calls() -> None:
        stuck = [threads.run(hang.wait, seconds=SHORT_SECONDS) for _ in range(2)]
        assert [type(error) for error in await asyncio.gather(*stuck, return_exceptions=True)] == [CallTimedOut] * 2
        # Both threads hang; two others have taken their place.
        assert await threads.run(lambda: "answered", seconds=PATIENT_SECONDS) == "answered"

    asyncio.run(calls())


def test_no_more_than_twice_the_threads_are_made_and_they_work_again_afterwards(
    threads: DatabaseThreads, hang: threading.Event
) -> None:
    async def calls() -> None:
        for _ in range(6):
            with pytest.raises(CallTimedOut):
                await threads.run(hang.wait, seconds=SHORT_SECONDS)
        assert count_threads() == 4
        hang.set()
        for _ in range(10):
            assert await threads.run(lambda: "answered", seconds=PATIENT_SECONDS) == "answered"

    asyncio.run(calls())


def count_threads() -> int:
    return sum(thread.name == "test-calls" for thread in threading.enumerate())


def test_a_call_whose_caller_has_given_up_does_not_start_later(threads: DatabaseThreads, hang: threading.Event) -> None:
    started: list[str] = []

    async def calls() -> None:
        stuck = [asyncio.create_task(threads.run(hang.wait, seconds=PATIENT_SECONDS)) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(CallTimedOut):
            await threads.run(lambda: started.append("late"), seconds=SHORT_SECONDS)
        hang.set()
        await asyncio.gather(*stuck)
        assert await threads.run(lambda: "answered", seconds=PATIENT_SECONDS) == "answered"

    asyncio.run(calls())
    assert started == []


def test_calls_beyond_the_limit_are_refused_at_once(threads: DatabaseThreads, hang: threading.Event) -> None:
    async def calls() -> None:
        waiting = [asyncio.create_task(threads.run(hang.wait, seconds=PATIENT_SECONDS)) for _ in range(5)]
        await asyncio.sleep(0)
        with pytest.raises(CallRefused):
            await threads.run(lambda: None, seconds=PATIENT_SECONDS)
        hang.set()
        await asyncio.gather(*waiting)

    asyncio.run(calls())


def test_the_process_may_end_while_a_call_hangs(threads: DatabaseThreads, hang: threading.Event) -> None:
    async def calls() -> None:
        with pytest.raises(CallTimedOut):
            await threads.run(hang.wait, seconds=SHORT_SECONDS)

    asyncio.run(calls())
    assert all(thread.daemon for thread in threading.enumerate() if thread.name == "test-calls")
    started = time.monotonic()
    threads.close()
    assert time.monotonic() - started < PATIENT_SECONDS
