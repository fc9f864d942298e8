"""The limits that stop a canary."""

from collections.abc import Callable

import pytest

from fakes import FakeClock
from housing_price_orchestrator.service.routing.canary_watch import (
    MIN_CHAMPION_REQUESTS,
    CanaryWatch,
    ExceededLimit,
)
from housing_price_platform.orders.moves import CanaryLimits

WINDOW = 20


class Watched:
    """A watch with a fake clock, and the limits that it reported."""

    def __init__(self) -> None:
        limits = {"maxErrorRatio": 0.1, "maxLatencyRatio": 3.0, "maxMedianDeviation": 0.15, "leastRequests": WINDOW}
        self.exceeded: list[ExceededLimit] = []
        self.clock = FakeClock()
        self.watch = CanaryWatch(CanaryLimits.model_validate(limits), self.exceeded.append, clock=self.clock)

    def repeat(self, times: int, *records: Callable[[], None]) -> None:
        for _ in range(times):
            self.clock.passes(0.1)
            for record in records:
                record()

    def canary(self, seconds: float) -> Callable[[], None]:
        return lambda: self.watch.record_canary_answer(seconds)

    def champion(self, seconds: float) -> Callable[[], None]:
        return lambda: self.watch.record_champion_answer(seconds)

    @property
    def reported(self) -> list[str]:
        return [one.name for one in self.exceeded]


@pytest.fixture
def watched() -> Watched:
    return Watched()


def test_canary_as_good_as_the_champion_is_never_stopped(watched: Watched) -> None:
    watched.repeat(
        500, watched.champion(0.01), watched.canary(0.011), lambda: watched.watch.record_comparison(100, 101)
    )
    assert watched.exceeded == []


def test_failures_up_to_the_limit_do_not_stop_the_canary(watched: Watched) -> None:
    def fails() -> None:
        watched.watch.record_canary_failure(0.01)

    for _ in range(10):
        watched.repeat(18, watched.canary(0.01))
        watched.repeat(2, fails)
    assert watched.exceeded == []


def test_failing_canary_is_stopped_as_soon_as_the_limit_is_certainly_exceeded(watched: Watched) -> None:
    watched.repeat(2, lambda: watched.watch.record_canary_failure(0.01))
    assert watched.exceeded == []
    watched.repeat(1, lambda: watched.watch.record_canary_failure(0.01))
    assert watched.reported == ["errors"]
    assert watched.exceeded[0].value == pytest.approx(0.15)


def test_long_good_period_does_not_hide_failures(watched: Watched) -> None:
    watched.repeat(10_000, watched.canary(0.01))
    watched.repeat(3, lambda: watched.watch.record_canary_failure(0.01))
    assert watched.reported == ["errors"]


def test_slow_canary_is_stopped_as_soon_as_the_limit_is_certainly_exceeded(watched: Watched) -> None:
    watched.repeat(WINDOW // 2, watched.champion(0.01), watched.canary(0.1))
    assert watched.exceeded == []
    watched.repeat(3, watched.champion(0.01), watched.canary(0.1))
    assert watched.reported == ["latency"]
    assert watched.exceeded[0].value == pytest.approx(10)


def test_long_good_period_does_not_hide_slow_answers(watched: Watched) -> None:
    watched.repeat(10_000, watched.champion(0.01), watched.canary(0.01))
    watched.repeat(WINDOW, watched.champion(0.01), watched.canary(0.1))
    assert watched.reported == ["latency"]


def test_few_slow_answers_do_not_stop_the_canary(watched: Watched) -> None:
    for _ in range(20):
        watched.repeat(6, watched.champion(0.01), watched.canary(0.01))
        watched.repeat(4, watched.champion(0.01), watched.canary(1.0))
    assert watched.exceeded == []


def test_canary_as_slow_as_the_champion_is_not_stopped(watched: Watched) -> None:
    watched.repeat(100, watched.champion(0.01), watched.canary(0.01))
    # Both are slow, as on a busy machine.
    watched.repeat(100, watched.champion(0.2), watched.canary(0.2))
    assert watched.exceeded == []


def test_old_champion_latencies_are_not_compared(watched: Watched) -> None:
    watched.repeat(100, watched.champion(0.001))
    watched.repeat(WINDOW * 2, watched.canary(0.1))
    assert watched.exceeded == []
    watched.repeat(MIN_CHAMPION_REQUESTS, watched.champion(0.01), watched.canary(0.1))
    assert watched.reported == ["latency"]


def test_small_absolute_slowdown_does_not_stop_the_canary(watched: Watched) -> None:
    watched.repeat(100, watched.champion(0.0005), watched.canary(0.004))
    assert watched.exceeded == []


@pytest.mark.parametrize("factor", [1.3, 1 / 1.3, 100.0])
def test_large_median_price_deviation_stops_the_canary(watched: Watched, factor: float) -> None:
    watched.repeat(WINDOW // 2, lambda: watched.watch.record_comparison(100_000 * factor, 100_000))
    assert watched.exceeded == []
    watched.repeat(1, lambda: watched.watch.record_comparison(100_000 * factor, 100_000))
    assert watched.reported == ["deviation"]


def test_few_large_price_deviations_do_not_stop_the_canary(watched: Watched) -> None:
    for _ in range(20):
        watched.repeat(6, lambda: watched.watch.record_comparison(100, 101))
        watched.repeat(4, lambda: watched.watch.record_comparison(100, 300))
    assert watched.exceeded == []


def test_stop_is_called_once(watched: Watched) -> None:
    watched.repeat(50, lambda: watched.watch.record_canary_failure(0.01), lambda: watched.watch.record_comparison(1, 2))
    assert len(watched.exceeded) == 1


def test_stop_reason_names_the_limit(watched: Watched) -> None:
    watched.repeat(3, lambda: watched.watch.record_canary_failure(0.01))
    assert str(watched.exceeded[0]) == "the share of failed requests was 0.15 (limit 0.1)"
