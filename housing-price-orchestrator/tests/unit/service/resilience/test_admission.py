"""Admission control, and the throughput that it is based on."""

import asyncio
import time
from collections.abc import Sequence

import pytest

from factories import house, houses
from fakes import FakeClock, FakePriceModel
from housing_price_orchestrator.service.resilience.admission import AdmissionModel
from housing_price_orchestrator.service.resilience.coalescing import CoalescingModel
from housing_price_orchestrator.service.resilience.throughput import MAX_AGE_SECONDS, MIN_MEASURED_SECONDS, Throughput
from housing_price_orchestrator.shared.deadline import deadline_at
from housing_price_orchestrator.shared.errors import DeadlineExceeded, QueueFull
from housing_price_orchestrator.shared.ports import PriceEstimate

pytestmark = pytest.mark.anyio


class Rig:
    """Admission in front of a model that answers when its gate opens, with a preset throughput."""

    def __init__(self, *, max_rows: int = 10, call_seconds: float = 1_000.0) -> None:
        self.clock = FakeClock()
        self.behind = FakePriceModel(gate=asyncio.Event())
        self.coalesced = CoalescingModel(
            self.behind, max_rows=max_rows, max_calls=3, max_waiting_rows=100_000, call_seconds=call_seconds
        )
        self.model = AdmissionModel(self.coalesced, self.coalesced, share_of_deadline=0.5)
        self.tasks: list[asyncio.Task[Sequence[PriceEstimate]]] = []

    def set_rows_per_second(self, rows: float, *, size: int = 1) -> None:
        """Preset the throughput of the lane for requests of this size."""
        throughput = self.coalesced.lane_of(size).throughput
        throughput._clock = self.clock  # a fake clock
        throughput.set_backlog(is_waiting=True)
        self.clock.passes(1.0)
        throughput.record_call(int(rows), 1.0, is_answered=True)

    async def queue_rows(self, rows: int, size: int = 1) -> None:
        """Queue this many rows, calls in flight included."""
        await self.request(*[size] * (rows // size))

    async def request(self, *sizes: int) -> None:
        self.tasks += [asyncio.create_task(self.coalesced.answer(houses(size))) for size in sizes]
        for _ in range(5):
            await asyncio.sleep(0)

    async def finish(self) -> None:
        assert self.behind.gate is not None
        self.behind.gate.set()
        await asyncio.gather(*self.tasks, return_exceptions=True)


@pytest.fixture
async def rig() -> Rig:
    return Rig()


async def test_everything_is_admitted_before_the_first_measurement(rig: Rig) -> None:
    await rig.queue_rows(500)
    with deadline_at(time.monotonic() + 5):
        task = asyncio.create_task(rig.model.answer([house()]))
    await rig.finish()
    assert len(await task) == 1


async def test_late_request_is_refused_at_once_with_retry_after(rig: Rig) -> None:
    rig.set_rows_per_second(10)
    # Each of the two calls carries 10 houses and 480 wait: 50 s.
    await rig.queue_rows(500)
    with deadline_at(time.monotonic() + 60), pytest.raises(QueueFull) as refused:
        await rig.model.answer([house()])
    # The limit is half of 60 s, so the queue is short enough again after about 20 s.
    assert refused.value.retry_after_seconds in (20, 21)
    assert rig.model.refused == 1
    await rig.finish()


async def test_few_slow_calls_do_not_refuse_what_the_next_call_carries() -> None:
    """A call of one house takes 0.1 s during a swap of the model server, and 12 houses arrive meanwhile."""
    rig = Rig(max_rows=500, call_seconds=0.25)
    throughput = rig.coalesced.lane_of(1).throughput
    throughput._clock = rig.clock
    throughput.set_backlog(is_waiting=True)
    for _ in range(20):
        rig.clock.passes(0.1)
        throughput.record_call(1, 0.1, is_answered=True)
    await rig.queue_rows(12)
    with deadline_at(time.monotonic() + 2):
        task = asyncio.create_task(rig.model.answer([house()]))
        await asyncio.sleep(0)
    assert rig.model.refused == 0
    await rig.finish()
    assert len(await task) == 1


async def test_short_stall_does_not_refuse_what_the_next_calls_carry() -> None:
    """Three calls of one house take 0.5 s each, at a server that prices thousands of houses per second."""
    rig = Rig(max_rows=500, call_seconds=0.25)
    throughput = rig.coalesced.lane_of(1).throughput
    throughput._clock = rig.clock
    for _ in range(5):
        throughput.record_call(5, 0.002, is_answered=True)
    await rig.queue_rows(50)
    throughput.set_backlog(is_waiting=True)
    rig.clock.passes(0.5)
    for _ in range(3):
        throughput.record_call(1, 0.5, is_answered=True)
        # Arrivals of 100/s during the stall fit into one second, half of a deadline of 2 s.
        expected = rig.coalesced.lane_of(1).seconds_until_answered(1)
        assert expected is not None
        assert expected <= 1
    await rig.finish()


async def test_request_that_meets_its_deadline_is_admitted(rig: Rig) -> None:
    rig.set_rows_per_second(10)
    await rig.queue_rows(500)
    with deadline_at(time.monotonic() + 120):
        task = asyncio.create_task(rig.model.answer([house()]))
    await asyncio.sleep(0)
    assert rig.model.refused == 0
    await rig.finish()
    assert len(await task) == 1


async def test_shorter_deadlines_are_refused_earlier(rig: Rig) -> None:
    rig.set_rows_per_second(10)
    await rig.queue_rows(100)
    for seconds, is_refused in ((12, True), (60, False)):
        with deadline_at(time.monotonic() + seconds):
            task = asyncio.create_task(rig.model.answer([house()]))
            for _ in range(3):
                await asyncio.sleep(0)
            assert task.done() == is_refused
            rig.tasks.append(task)
    await rig.finish()


async def test_waiting_batches_do_not_refuse_single_houses(rig: Rig) -> None:
    rig.set_rows_per_second(10, size=1)
    rig.set_rows_per_second(10, size=100)
    await rig.queue_rows(10_000, size=100)
    with deadline_at(time.monotonic() + 10):
        task = asyncio.create_task(rig.model.answer([house()]))
        with pytest.raises(QueueFull):
            await rig.model.answer(houses(100))
    await rig.finish()
    assert len(await task) == 1


async def test_requests_without_deadline_are_never_refused(rig: Rig) -> None:
    rig.set_rows_per_second(1)
    await rig.queue_rows(500)
    task = asyncio.create_task(rig.model.answer([house()]))
    await rig.finish()
    assert len(await task) == 1


async def test_batch_is_admitted_or_refused_as_a_whole() -> None:
    rig = Rig(max_rows=10)
    rig.set_rows_per_second(10, size=100)
    with deadline_at(time.monotonic() + 10), pytest.raises(QueueFull):
        await rig.model.answer(houses(100))
    assert rig.behind.asked == []


async def test_calls_shrink_to_meet_the_call_time() -> None:
    rig = Rig(max_rows=1_000, call_seconds=0.5)
    rig.set_rows_per_second(100)
    await rig.queue_rows(300)
    assert max(len(asked) for asked in rig.behind.asked) == 50
    await rig.finish()
    assert sum(len(asked) for asked in rig.behind.asked) == 300


async def test_request_with_too_little_time_left_is_not_sent() -> None:
    rig = Rig(max_rows=10)
    await rig.queue_rows(20)
    rig.set_rows_per_second(1)
    with deadline_at(time.monotonic() + 0.5):
        hurried = asyncio.create_task(rig.coalesced.answer([house(id=999)]))
    with deadline_at(time.monotonic() + 500):
        patient = asyncio.create_task(rig.coalesced.answer([house(id=1_000)]))
    await asyncio.sleep(0)
    await rig.finish()
    with pytest.raises(DeadlineExceeded):
        await hurried
    assert len(await patient) == 1
    asked = {one.id for houses in rig.behind.asked for one in houses}
    assert 1_000 in asked
    assert 999 not in asked


class TestThroughput:
    @pytest.fixture
    def clock(self) -> FakeClock:
        return FakeClock()

    @pytest.fixture
    def throughput(self, clock: FakeClock) -> Throughput:
        return Throughput(clock=clock)

    def test_hang_is_forgotten_after_the_next_answer(self, throughput: Throughput) -> None:
        throughput.set_backlog(is_waiting=True)
        throughput.record_call(100, 2.0, is_answered=False)
        assert throughput.call_seconds == 2.0
        throughput.set_backlog(is_waiting=False)
        throughput.record_call(1, 0.005, is_answered=True)
        assert throughput.call_seconds == 0.005

    def test_no_estimates_before_the_first_call(self, throughput: Throughput) -> None:
        assert throughput.rows_per_second is None
        assert throughput.call_seconds == 0
        assert throughput.max_rows_within(0.1) == float("inf")

    @staticmethod
    def measure(
        throughput: Throughput, clock: FakeClock, rows: int, seconds: float, *, is_answered: bool = True
    ) -> None:
        """Record a call of this duration during a backlog."""
        throughput.set_backlog(is_waiting=True)
        clock.passes(seconds)
        throughput.record_call(rows, seconds, is_answered=is_answered)

    def test_rates_of_concurrent_calls_add_up(self, throughput: Throughput, clock: FakeClock) -> None:
        """Two concurrent calls of very different sizes, at a model server that prices 500 rows/s sequentially."""
        throughput.set_backlog(is_waiting=True)
        for _ in range(10):
            for rows in (100, 10):
                clock.passes(rows / 500)
                throughput.record_call(rows, 110 / 500, is_answered=True)
        assert throughput.rows_per_second == pytest.approx(500)
        assert throughput.call_seconds == pytest.approx(0.22, rel=0.01)

    def test_calls_without_backlog_do_not_set_the_rate(self, throughput: Throughput, clock: FakeClock) -> None:
        throughput.set_backlog(is_waiting=False)
        clock.passes(1)
        throughput.record_call(1, 0.015, is_answered=True)
        assert throughput.rows_per_second is None

    def test_very_short_measurement_gives_no_rate(self, throughput: Throughput, clock: FakeClock) -> None:
        self.measure(throughput, clock, 1, MIN_MEASURED_SECONDS / 2)
        assert throughput.rows_per_second is None

    def test_time_without_backlog_is_excluded(self, throughput: Throughput, clock: FakeClock) -> None:
        self.measure(throughput, clock, 100, 1.0)
        throughput.set_backlog(is_waiting=False)
        clock.passes(1.0)
        self.measure(throughput, clock, 100, 1.0)
        assert throughput.rows_per_second == pytest.approx(100)

    def test_abandoned_call_adds_time_but_no_rows(self, throughput: Throughput, clock: FakeClock) -> None:
        self.measure(throughput, clock, 100, 0.5)
        self.measure(throughput, clock, 100, 0.5, is_answered=False)
        rate = throughput.rows_per_second
        assert rate is not None
        assert rate < 100

    def test_failed_call_is_excluded(self, throughput: Throughput, clock: FakeClock) -> None:
        self.measure(throughput, clock, 100, 1.0)
        clock.passes(2.0)
        throughput.record_failure()
        self.measure(throughput, clock, 100, 1.0)
        assert throughput.rows_per_second == pytest.approx(100)

    def test_old_measurements_are_forgotten(self, throughput: Throughput, clock: FakeClock) -> None:
        self.measure(throughput, clock, 1, 100.0)
        assert throughput.rows_per_second == pytest.approx(0.01)
        throughput.set_backlog(is_waiting=False)
        clock.passes(MAX_AGE_SECONDS + 0.1)
        assert throughput.rows_per_second is None
        self.measure(throughput, clock, 1_000, 1.0)
        assert throughput.rows_per_second == pytest.approx(1_000)

    def test_rate_recovers_within_seconds_of_a_slow_period(self, throughput: Throughput, clock: FakeClock) -> None:
        self.measure(throughput, clock, 1, 100.0)
        for _ in range(100):
            self.measure(throughput, clock, 100, 0.1)
        assert throughput.rows_per_second == pytest.approx(1_000, rel=0.05)

    def test_calls_grow_to_their_maximum_within_a_few_steps(self, throughput: Throughput) -> None:
        """Every call takes 15 ms, whatever its size."""
        throughput.record_call(1, 0.015, is_answered=True)
        sizes = []
        for _ in range(4):
            sizes.append(min(500, int(throughput.max_rows_within(0.25))))
            throughput.record_call(sizes[-1], 0.015, is_answered=True)
        assert sizes == sorted(sizes)
        assert sizes[0] < 20
        assert sizes[2] == 500
