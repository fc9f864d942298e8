"""Rate limiters: in memory with a fake clock, and in a real Redis."""

import asyncio
import random
import shutil
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import structlog
from structlog.testing import capture_logs

from fakes import FakeClock
from housing_price_orchestrator.provider.access.memory_rate_limiter import MemoryRateLimiter
from housing_price_orchestrator.provider.access.redis_rate_limiter import (
    RETRY_DELAY_SECONDS,
    TIMEOUT_SECONDS,
    RedisRateLimiter,
)
from housing_price_orchestrator.shared.quota import MAX_REQUESTS, Rate, RateLimiter
from servers import Process, reserved_port

pytestmark = pytest.mark.anyio

REDIS = shutil.which("redis-server")
needs_redis = pytest.mark.skipif(REDIS is None, reason="redis-server is not on the path")


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("100/second", Rate(100, 1)),
        ("1000 per minute", Rate(1000, 60)),
        ("500/10 seconds", Rate(500, 10)),
        (" 5 / HOUR ", Rate(5, 3_600)),
        ("1/day", Rate(1, 86_400)),
    ],
)
async def test_rates_are_parsed(text: str, rate: Rate) -> None:
    assert Rate.parse(text) == rate
    assert Rate.parse(str(rate)) == rate


@pytest.mark.parametrize(
    "text",
    [
        "",
        "100",
        "0/second",
        "-1/second",
        "1.5/second",
        "1/fortnight",
        "1/0 seconds",
        "2/2 days",
        "٣/second",
        "1/s",
        "x" * 500,
    ],
)
async def test_an_invalid_rate_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match=r"100/second|out of range"):
        Rate.parse(text)


async def granted(limiter: RateLimiter, caller_id: str, times: int) -> int:
    return sum([(await limiter.hit(caller_id)).is_granted for _ in range(times)])


async def test_each_caller_has_its_own_limit() -> None:
    limiter = MemoryRateLimiter(Rate(10, 1), clock=FakeClock())
    assert await granted(limiter, "one", 50) == 10
    assert await granted(limiter, "other", 50) == 10


async def test_the_remaining_quota_counts_down_to_zero() -> None:
    limiter = MemoryRateLimiter(Rate(3, 1), clock=FakeClock())
    assert [(await limiter.hit("a")).remaining for _ in range(5)] == [2, 1, 0, 0, 0]


async def test_the_reported_wait_is_the_shortest_that_succeeds() -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    dice = random.Random(seed)
    for _ in range(300):
        clock = FakeClock()
        rate = Rate(dice.randint(1, 20), dice.choice([1, 2, 60]))
        limiter = MemoryRateLimiter(rate, clock=clock)
        for _ in range(dice.randint(1, 60)):
            clock.passes(dice.random() * rate.seconds / 10)
            quota = await limiter.hit("a")
        while quota.is_granted:
            quota = await limiter.hit("a")
        assert 0 < quota.reset_seconds <= rate.seconds
        clock.passes(quota.reset_seconds * 0.99)
        assert not (await limiter.hit("a")).is_granted
        clock.passes(quota.reset_seconds * 0.01 + 1e-6 * rate.seconds)
        assert (await limiter.hit("a")).is_granted


@pytest.mark.parametrize("times", [1.0, 1.5, 5.0, 50.0])
async def test_a_caller_above_its_rate_is_granted_exactly_its_rate(times: float) -> None:
    clock = FakeClock()
    rate = Rate(100, 1)
    limiter = MemoryRateLimiter(rate, clock=clock)
    passed = 0
    seconds = 20
    for _ in range(int(seconds * rate.requests * times)):
        passed += (await limiter.hit("a")).is_granted
        clock.passes(1 / (rate.requests * times))
    assert 0.9 <= passed / (seconds * rate.requests) <= 1.1


async def test_the_full_rate_is_available_after_two_quiet_windows() -> None:
    clock = FakeClock()
    limiter = MemoryRateLimiter(Rate(10, 60), clock=clock)
    await granted(limiter, "a", 10)
    clock.passes(120)
    assert await granted(limiter, "a", 50) == 10


async def test_memory_is_bounded_for_any_number_of_callers() -> None:
    clock = FakeClock()
    limiter = MemoryRateLimiter(Rate(10, 1), max_callers=100, clock=clock)
    for number in range(10_000):
        await limiter.hit(str(number))
        assert len(limiter) <= 100
    # Callers whose windows have ended are forgotten.
    clock.passes(2)
    for number in range(40):
        await limiter.hit(f"new {number}")
    assert len(limiter) == 40


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[tuple[Process, str]]:
    """Start a Redis server for one test, without persistence."""
    assert REDIS is not None
    with reserved_port() as port:
        options = ("--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(tmp_path))
        with Process(REDIS, *options) as process:
            process.says("Ready to accept connections")
            yield process, f"redis://127.0.0.1:{port}"


@asynccontextmanager
async def counted_in(
    url: str, rate: Rate, *, clock: FakeClock | None = None, timeout_seconds: float = 60
) -> AsyncIterator[RedisRateLimiter]:
    async with RedisRateLimiter(
        rate,
        url=url,
        name="test",
        fallback=MemoryRateLimiter(rate),
        clock=clock or FakeClock(),
        timeout_seconds=timeout_seconds,
    ) as limiter:
        yield limiter


@needs_redis
async def test_replicas_count_together_in_redis(redis: tuple[Process, str]) -> None:
    rate = Rate(10, 60)
    async with counted_in(redis[1], rate) as one, counted_in(redis[1], rate) as other:
        assert await granted(one, "a", 7) + await granted(other, "a", 7) == 10
        refused = await other.hit("a")
        assert (refused.is_granted, refused.remaining) == (False, 0)
        assert 0 < refused.reset_seconds <= 60
        assert await granted(one, "b", 1) == 1


@needs_redis
async def test_concurrent_requests_are_granted_no_more_than_the_rate(redis: tuple[Process, str]) -> None:
    async with counted_in(redis[1], Rate(10, 60)) as limiter:
        quotas = await asyncio.gather(*(limiter.hit("a") for _ in range(200)))
    assert sum(quota.is_granted for quota in quotas) == 10


@needs_redis
async def test_each_process_counts_alone_while_redis_hangs_and_returns_to_redis_afterwards(
    redis: tuple[Process, str],
) -> None:
    process, url = redis
    clock = FakeClock()
    structlog.reset_defaults()
    async with counted_in(url, Rate(10, 3_600), clock=clock) as limiter:
        assert await granted(limiter, "a", 5) == 5
        process.send(signal.SIGSTOP)
        limiter._timeout_seconds = TIMEOUT_SECONDS
        with capture_logs() as logs:
            # Only the first request waits for the timeout.
            assert await granted(limiter, "a", 50) == 10
            assert [entry["log_level"] for entry in logs] == ["warning"]
            process.send(signal.SIGCONT)
            limiter._timeout_seconds = 60
            clock.passes(RETRY_DELAY_SECONDS)
            # Redis counted at most the request that timed out: four or five remain.
            assert await granted(limiter, "a", 50) in {4, 5}
            assert [entry["log_level"] for entry in logs] == ["warning", "info"]


async def test_without_redis_requests_are_granted_and_one_warning_is_logged() -> None:
    structlog.reset_defaults()
    clock = FakeClock()
    with reserved_port() as port:
        async with counted_in(f"redis://:secret@127.0.0.1:{port}", Rate(10, 3_600), clock=clock) as limiter:
            with capture_logs() as logs:
                for _ in range(5):
                    assert (await limiter.hit("a")).is_granted
                    clock.passes(RETRY_DELAY_SECONDS)
    assert len(logs) == 1
    assert "secret" not in str(logs)


async def test_an_invalid_redis_url_blocks_no_request() -> None:
    async with counted_in("redis://127.0.0.1:1/0?no_such_option=1", Rate(10, 3_600)) as limiter:
        assert await granted(limiter, "a", 50) == 10


async def test_a_rate_above_the_maximum_is_refused() -> None:
    assert Rate.parse(f"{MAX_REQUESTS}/day").requests == MAX_REQUESTS
    with pytest.raises(ValueError, match="out of range"):
        Rate.parse(f"{MAX_REQUESTS + 1}/day")
