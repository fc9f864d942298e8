"""What is let in, what is refused at the door, and what the decision goes by."""

import asyncio
import time
from collections.abc import Sequence

import pytest

from factories import house, houses
from fakes import FakeClock, FakePriceModel
from housing_price_orchestrator.service.resilience.admission import AdmissionPriceModel
from housing_price_orchestrator.service.resilience.coalescing import CoalescingPriceModel
from housing_price_orchestrator.service.resilience.throughput import MAX_AGE_SECONDS, MIN_MEASURED_SECONDS, Throughput
from housing_price_orchestrator.shared.deadline import deadline_at
from housing_price_orchestrator.shared.errors import DeadlineExceeded, QueueFull
from housing_price_orchestrator.shared.ports import PriceEstimate

pytestmark = pytest.mark.anyio


class Rig:
    """Admission before a model that answers when the gate opens, and a lane that is told how fast that is."""

    def __init__(self, *, max_rows: int = 10, call_seconds: float = 1_000.0) -> None:
        self.clock = FakeClock()
        self.behind = FakePriceModel(gate=asyncio.Event())
        self.coalesced = CoalescingPriceModel(
            self.behind, max_rows=max_rows, max_calls=3, max_waiting_rows=100_000, call_seconds=call_seconds
        )
        self.model = AdmissionPriceModel(self.coalesced, self.coalesced, share_of_deadline=0.5)
        self.tasks: list[asyncio.Task[Sequence[PriceEstimate]]] = []

    def prices_per_second(self, rows: float, *, size: int = 1) -> None:
        """Have it known how many rows per second are priced, for requests of this size."""
        throughput = self.coalesced.lane_of(size).throughput
        throughput._clock = self.clock  # time passes when the test says so
        throughput.set_backlog(is_waiting=True)
        self.clock.passes(1.0)
        throughput.record_call(int(rows), 1.0, is_answered=True)

    async def waits(self, rows: int, size: int = 1) -> None:
        """Have so many rows wait, besides what is under way."""
        await self.asks(*[size] * (rows // size))

    async def asks(self, *sizes: int) -> None:
        self.tasks += [asyncio.create_task(self.coalesced.price(houses(size))) for size in sizes]
        for _ in range(5):
            await asyncio.sleep(0)

    async def ends(self) -> None:
        assert self.behind.gate is not None
        self.behind.gate.set()
        await asyncio.gather(*self.tasks, return_exceptions=True)


@pytest.fixture
async def rig() -> Rig:
    return Rig()


async def test_while_nothing_is_known_everybody_is_let_in(rig: Rig) -> None:
    await rig.waits(500)
    with deadline_at(time.monotonic() + 5):
        asking = asyncio.create_task(rig.model.price([house()]))
    await rig.ends()
    assert len(await asking) == 1


async def test_what_cannot_be_answered_in_time_is_refused_at_once_and_told_when_to_come_back(rig: Rig) -> None:
    rig.prices_per_second(10)
    # 10 are under way in each of the two calls of single houses, and 480 wait: 50 s.
    await rig.waits(500)
    with deadline_at(time.monotonic() + 60), pytest.raises(QueueFull) as refused:
        await rig.model.price([house()])
    # Half of 60 s may be expected to be needed, so there is room again after about 20.
    assert refused.value.retry_after_seconds in (20, 21)
    assert rig.model.refused == 1
    await rig.ends()


async def test_a_few_slow_calls_keep_nobody_out_whom_the_next_will_carry() -> None:
    """A call of one house took 0.1 s, because its model server was being exchanged, and 12 houses came meanwhile."""
    rig = Rig(max_rows=500, call_seconds=0.25)
    throughput = rig.coalesced.lane_of(1).throughput
    throughput._clock = rig.clock
    throughput.set_backlog(is_waiting=True)
    for _ in range(20):
        rig.clock.passes(0.1)
        throughput.record_call(1, 0.1, is_answered=True)
    await rig.waits(12)
    with deadline_at(time.monotonic() + 2):
        asking = asyncio.create_task(rig.model.price([house()]))
        await asyncio.sleep(0)
    assert rig.model.refused == 0
    await rig.ends()
    assert len(await asking) == 1


async def test_what_can_be_answered_in_time_is_let_in(rig: Rig) -> None:
    rig.prices_per_second(10)
    await rig.waits(500)
    with deadline_at(time.monotonic() + 120):
        asking = asyncio.create_task(rig.model.price([house()]))
    await asyncio.sleep(0)
    assert rig.model.refused == 0
    await rig.ends()
    assert len(await asking) == 1


async def test_the_shorter_a_callers_time_the_sooner_it_is_refused(rig: Rig) -> None:
    rig.prices_per_second(10)
    await rig.waits(100)
    for seconds, is_refused in ((12, True), (60, False)):
        with deadline_at(time.monotonic() + seconds):
            asking = asyncio.create_task(rig.model.price([house()]))
            for _ in range(3):
                await asyncio.sleep(0)
            assert asking.done() == is_refused
            rig.tasks.append(asking)
    await rig.ends()


async def test_batches_that_wait_keep_no_single_house_out(rig: Rig) -> None:
    rig.prices_per_second(10, size=1)
    rig.prices_per_second(10, size=100)
    await rig.waits(10_000, size=100)
    with deadline_at(time.monotonic() + 10):
        asking = asyncio.create_task(rig.model.price([house()]))
        with pytest.raises(QueueFull):
            await rig.model.price(houses(100))
    await rig.ends()
    assert len(await asking) == 1


async def test_without_a_deadline_nothing_is_refused(rig: Rig) -> None:
    rig.prices_per_second(1)
    await rig.waits(500)
    asking = asyncio.create_task(rig.model.price([house()]))
    await rig.ends()
    assert len(await asking) == 1


async def test_a_batch_is_let_in_or_refused_as_a_whole() -> None:
    rig = Rig(max_rows=10)
    rig.prices_per_second(10, size=100)
    with deadline_at(time.monotonic() + 10), pytest.raises(QueueFull):
        await rig.model.price(houses(100))
    assert rig.behind.asked == []


async def test_where_calls_would_take_too_long_they_carry_less() -> None:
    rig = Rig(max_rows=1_000, call_seconds=0.5)
    rig.prices_per_second(100)
    await rig.waits(300)
    assert max(len(asked) for asked in rig.behind.asked) == 50
    await rig.ends()
    assert sum(len(asked) for asked in rig.behind.asked) == 300


async def test_who_has_less_time_left_than_a_call_takes_is_not_asked_about() -> None:
    rig = Rig(max_rows=10)
    await rig.waits(20)
    rig.prices_per_second(1)
    with deadline_at(time.monotonic() + 0.5):
        hurried = asyncio.create_task(rig.coalesced.price([house(id=999)]))
    with deadline_at(time.monotonic() + 500):
        patient = asyncio.create_task(rig.coalesced.price([house(id=1_000)]))
    await asyncio.sleep(0)
    await rig.ends()
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

    def test_a_hang_that_is_over_does_not_count_on(self, throughput: Throughput) -> None:
        throughput.set_backlog(is_waiting=True)
        throughput.record_call(100, 2.0, is_answered=False)
        assert throughput.call_seconds == 2.0
        throughput.set_backlog(is_waiting=False)
        throughput.record_call(1, 0.005, is_answered=True)
        assert throughput.call_seconds == 0.005

    def test_before_the_first_call_nothing_is_known(self, throughput: Throughput) -> None:
        assert throughput.rows_per_second is None
        assert throughput.call_seconds == 0
        assert throughput.max_rows_within(0.1) == float("inf")

    @staticmethod
    def measure(
        throughput: Throughput, clock: FakeClock, rows: int, seconds: float, *, is_answered: bool = True
    ) -> None:
        """A call that takes so long, while others wait."""
        throughput.set_backlog(is_waiting=True)
        clock.passes(seconds)
        throughput.record_call(rows, seconds, is_answered=is_answered)

    def test_calls_side_by_side_add_up(self, throughput: Throughput, clock: FakeClock) -> None:
        """Two calls at a time, of very different sizes, at a model server that prices 500 rows/s in turn."""
        throughput.set_backlog(is_waiting=True)
        for _ in range(10):
            for rows in (100, 10):
                clock.passes(rows / 500)
                throughput.record_call(rows, 110 / 500, is_answered=True)
        assert throughput.rows_per_second == pytest.approx(500)
        assert throughput.call_seconds == pytest.approx(0.22, rel=0.01)

    def test_while_nobody_waits_a_call_does_not_show_what_could_be_done(
        self, throughput: Throughput, clock: FakeClock
    ) -> None:
        throughput.set_backlog(is_waiting=False)
        clock.passes(1)
        throughput.record_call(1, 0.015, is_answered=True)
        assert throughput.rows_per_second is None

    def test_a_moment_shows_nothing(self, throughput: Throughput, clock: FakeClock) -> None:
        self.measure(throughput, clock, 1, MIN_MEASURED_SECONDS / 2)
        assert throughput.rows_per_second is None

    def test_the_time_in_which_nobody_waited_does_not_count(self, throughput: Throughput, clock: FakeClock) -> None:
        self.measure(throughput, clock, 100, 1.0)
        throughput.set_backlog(is_waiting=False)
        clock.passes(1.0)
        self.measure(throughput, clock, 100, 1.0)
        assert throughput.rows_per_second == pytest.approx(100)

    def test_a_call_that_was_given_up_has_cost_time_and_brought_nothing(
        self, throughput: Throughput, clock: FakeClock
    ) -> None:
        self.measure(throughput, clock, 100, 0.5)
        self.measure(throughput, clock, 100, 0.5, is_answered=False)
        rate = throughput.rows_per_second
        assert rate is not None
        assert rate < 100

    def test_a_moment_in_which_all_stood_still_keeps_nobody_out(self, throughput: Throughput, clock: FakeClock) -> None:
        """Three calls of a house each take half a second where thousands of houses are priced per second."""
        for _ in range(5):
            throughput.record_call(5, 0.002, is_answered=True)
        throughput.set_backlog(is_waiting=True)
        clock.passes(0.5)
        for _ in range(3):
            throughput.record_call(1, 0.5, is_answered=True)
            rate = throughput.rows_per_second
            assert rate is not None
            # Those who came meanwhile, at 100/s, fit into one second, half of a deadline.
            assert rate > 50

    def test_a_call_that_failed_tells_nothing(self, throughput: Throughput, clock: FakeClock) -> None:
        self.measure(throughput, clock, 100, 1.0)
        clock.passes(2.0)
        throughput.record_failure()
        self.measure(throughput, clock, 100, 1.0)
        assert throughput.rows_per_second == pytest.approx(100)

    def test_what_was_long_ago_is_forgotten(self, throughput: Throughput, clock: FakeClock) -> None:
        self.measure(throughput, clock, 1, 100.0)
        assert throughput.rows_per_second == pytest.approx(0.01)
        throughput.set_backlog(is_waiting=False)
        clock.passes(MAX_AGE_SECONDS + 0.1)
        assert throughput.rows_per_second is None
        self.measure(throughput, clock, 1_000, 1.0)
        assert throughput.rows_per_second == pytest.approx(1_000)

    def test_within_seconds_it_forgets_a_slowness(self, throughput: Throughput, clock: FakeClock) -> None:
        self.measure(throughput, clock, 1, 100.0)
        for _ in range(100):
            self.measure(throughput, clock, 100, 0.1)
        assert throughput.rows_per_second == pytest.approx(1_000, rel=0.05)

    def test_calls_grow_within_a_few_to_what_they_may_carry(self, throughput: Throughput) -> None:
        """A model server whose calls take 15 ms whatever they carry."""
        throughput.record_call(1, 0.015, is_answered=True)
        sizes = []
        for _ in range(4):
            sizes.append(min(500, int(throughput.max_rows_within(0.25))))
            throughput.record_call(sizes[-1], 0.015, is_answered=True)
        assert sizes == sorted(sizes)
        assert sizes[0] < 20
        assert sizes[2] == 500
