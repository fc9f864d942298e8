"""When a canary is stopped."""

from collections.abc import Callable

import pytest

from fakes import FakeClock
from housing_price_orchestrator.service.routing.canary_watch import (
    MIN_CHAMPION_REQUESTS,
    CanaryWatch,
    ExceededLimit,
)
from housing_price_orchestrator.shared.view.routes import CanaryLimits

LEAST = 20


class Watched:
    """A watch, a time of its own, and what it has said."""

    def __init__(self) -> None:
        limits = {"maxErrorRatio": 0.1, "maxLatencyRatio": 3.0, "maxMedianDeviation": 0.15, "leastRequests": LEAST}
        self.said: list[ExceededLimit] = []
        self.clock = FakeClock()
        self.watch = CanaryWatch(CanaryLimits.model_validate(limits), self.said.append, clock=self.clock)

    def repeat(self, times: int, *notes: Callable[[], None]) -> None:
        for _ in range(times):
            self.clock.passes(0.1)
            for note in notes:
                note()

    def canary(self, seconds: float) -> Callable[[], None]:
        return lambda: self.watch.record_canary_answer(seconds)

    def champion(self, seconds: float) -> Callable[[], None]:
        return lambda: self.watch.record_champion_answer(seconds)

    @property
    def limit_name(self) -> list[str]:
        return [exceeded.name for exceeded in self.said]


@pytest.fixture
def watched() -> Watched:
    return Watched()


def test_a_canary_that_does_as_well_as_the_champion_is_never_stopped(watched: Watched) -> None:
    watched.repeat(
        500, watched.champion(0.01), watched.canary(0.011), lambda: watched.watch.record_comparison(100, 101)
    )
    assert watched.said == []


def test_failures_up_to_the_limit_are_borne(watched: Watched) -> None:
    def fails() -> None:
        watched.watch.record_canary_failure(0.01)

    for _ in range(10):
        watched.repeat(18, watched.canary(0.01))
        watched.repeat(2, fails)
    assert watched.said == []


def test_a_canary_that_fails_too_often_is_stopped_as_soon_as_that_is_sure(watched: Watched) -> None:
    watched.repeat(2, lambda: watched.watch.record_canary_failure(0.01))
    assert watched.said == []
    watched.repeat(1, lambda: watched.watch.record_canary_failure(0.01))
    assert watched.limit_name == ["errors"]
    assert watched.said[0].value == pytest.approx(0.15)


def test_a_long_good_time_does_not_hide_failures(watched: Watched) -> None:
    watched.repeat(10_000, watched.canary(0.01))
    watched.repeat(3, lambda: watched.watch.record_canary_failure(0.01))
    assert watched.limit_name == ["errors"]


def test_a_slow_canary_is_stopped_as_soon_as_that_is_sure(watched: Watched) -> None:
    watched.repeat(LEAST // 2, watched.champion(0.01), watched.canary(0.1))
    assert watched.said == []
    watched.repeat(3, watched.champion(0.01), watched.canary(0.1))
    assert watched.limit_name == ["latency"]
    assert watched.said[0].value == pytest.approx(10)


def test_a_long_good_time_does_not_hide_slowness(watched: Watched) -> None:
    watched.repeat(10_000, watched.champion(0.01), watched.canary(0.01))
    watched.repeat(LEAST, watched.champion(0.01), watched.canary(0.1))
    assert watched.limit_name == ["latency"]


def test_a_few_slow_answers_stop_nothing(watched: Watched) -> None:
    for _ in range(20):
        watched.repeat(6, watched.champion(0.01), watched.canary(0.01))
        watched.repeat(4, watched.champion(0.01), watched.canary(1.0))
    assert watched.said == []


def test_a_slow_canary_beside_a_champion_that_is_as_slow_is_not_stopped(watched: Watched) -> None:
    watched.repeat(100, watched.champion(0.01), watched.canary(0.01))
    # Both: the machine is busy.
    watched.repeat(100, watched.champion(0.2), watched.canary(0.2))
    assert watched.said == []


def test_what_the_champion_took_long_ago_is_not_compared(watched: Watched) -> None:
    watched.repeat(100, watched.champion(0.001))
    watched.repeat(LEAST * 2, watched.canary(0.1))
    assert watched.said == []
    watched.repeat(MIN_CHAMPION_REQUESTS, watched.champion(0.01), watched.canary(0.1))
    assert watched.limit_name == ["latency"]


def test_a_ratio_of_next_to_nothing_stops_nothing(watched: Watched) -> None:
    watched.repeat(100, watched.champion(0.0005), watched.canary(0.004))
    assert watched.said == []


@pytest.mark.parametrize("factor", [1.3, 1 / 1.3, 100.0])
def test_prices_that_are_far_from_the_champions_stop_it(watched: Watched, factor: float) -> None:
    watched.repeat(LEAST // 2, lambda: watched.watch.record_comparison(100_000 * factor, 100_000))
    assert watched.said == []
    watched.repeat(1, lambda: watched.watch.record_comparison(100_000 * factor, 100_000))
    assert watched.limit_name == ["deviation"]


def test_single_prices_may_be_far_off(watched: Watched) -> None:
    for _ in range(20):
        watched.repeat(6, lambda: watched.watch.record_comparison(100, 101))
        watched.repeat(4, lambda: watched.watch.record_comparison(100, 300))
    assert watched.said == []


def test_it_is_said_once(watched: Watched) -> None:
    watched.repeat(50, lambda: watched.watch.record_canary_failure(0.01), lambda: watched.watch.record_comparison(1, 2))
    assert len(watched.said) == 1


def test_what_is_said_names_the_limit(watched: Watched) -> None:
    watched.repeat(3, lambda: watched.watch.record_canary_failure(0.01))
    assert str(watched.said[0]) == "the share of failed requests was 0.15 (limit 0.1)"
