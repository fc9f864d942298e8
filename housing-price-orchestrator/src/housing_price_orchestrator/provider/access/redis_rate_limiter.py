"""Counts requests in Redis, for all processes and replicas together."""

import asyncio
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import structlog
from limits import RateLimitItemPerSecond
from limits.aio.storage import RedisStorage
from redis.asyncio import BlockingConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from housing_price_orchestrator.shared.quota import Quota, Rate, RateLimiter, wait_seconds

TIMEOUT_SECONDS = 0.25
"""Redis answers in less than a millisecond; who waits longer for the count waits for nothing."""
PAUSE_SECONDS = 1.0
"""So long nobody asks after Redis failed; then one request tries."""
SECONDS_BETWEEN_WARNINGS = 60.0
MAX_CONNECTIONS = 16


class RedisRateLimiter:
    """Grants each caller so many requests. A `RateLimiter`; opened and closed by the application's lifespan.

    Where Redis is away, each process counts in its own memory: pricing does not stop because counting does, and a flood
    still meets a limit. What remains is told only where it is nothing: to ask for it is a second journey to Redis.
    """

    def __init__(
        self,
        rate: Rate,
        *,
        url: str,
        name: str,
        meanwhile: RateLimiter,
        timeout_seconds: float = TIMEOUT_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Grant `rate` to each caller, counted at `url` under `name`; `meanwhile` counts where that fails."""
        self._rate = rate
        self._item = RateLimitItemPerSecond(rate.requests, rate.seconds, namespace=f"housing-price:{name}")
        self._timeout_seconds = timeout_seconds
        # Requests wait for one of few connections: to open one for each of many takes longer than to wait.
        self._connections = BlockingConnectionPool.from_url(
            url,
            max_connections=MAX_CONNECTIONS,
            timeout=timeout_seconds,
            socket_timeout=timeout_seconds,
            socket_connect_timeout=timeout_seconds,
            # A request is worth one try; the next one is the next request's.
            retry=Retry(NoBackoff(), 0),
        )
        options: dict[str, Any] = {"connection_pool": self._connections}
        self._storage = RedisStorage(f"async+{url}", implementation="redispy", **options)
        self._address = urlsplit(url).hostname
        self._meanwhile = meanwhile
        self._clock = clock
        self._away_until = -PAUSE_SECONDS
        self._is_away = False
        self._warned_at = -SECONDS_BETWEEN_WARNINGS
        self._log = structlog.get_logger()

    async def __aenter__(self) -> Self:
        """Open nothing yet: connections come with requests."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connections."""
        await self._connections.aclose()

    async def hit(self, who: str) -> Quota:
        """Count a request of `who`."""
        if self._is_away:
            if self._clock() < self._away_until:
                return await self._meanwhile.hit(who)
            # This request tries; those beside it do not wait for what may fail again.
            self._away_until = self._clock() + PAUSE_SECONDS
        try:
            async with asyncio.timeout(self._timeout_seconds):
                quota = await self._counted(who)
        except Exception as error:  # noqa: BLE001 - whatever it is, no request fails because it could not be counted
            self._failed(error)
            return await self._meanwhile.hit(who)
        if self._is_away:
            self._is_away = False
            self._log.info("rate limits are counted in Redis again", address=self._address)
        return quota

    async def _counted(self, who: str) -> Quota:
        rate = self._rate
        key = self._item.key_for(who)
        if await self._storage.acquire_sliding_window_entry(key, rate.requests, rate.seconds):
            return Quota(rate, True, None, rate.seconds)
        previous, previous_left, current, current_left = await self._storage.get_sliding_window(key, rate.seconds)
        left = current_left - rate.seconds if current else previous_left
        return Quota(rate, False, 0, wait_seconds(rate, previous, current, max(0.0, left)))

    def _failed(self, error: Exception) -> None:
        now = self._clock()
        self._is_away = True
        self._away_until = now + PAUSE_SECONDS
        if now - self._warned_at >= SECONDS_BETWEEN_WARNINGS:
            self._warned_at = now
            self._log.warning(
                "Redis is away: each process counts rate limits for itself",
                address=self._address,
                error=type(error).__name__,
            )
