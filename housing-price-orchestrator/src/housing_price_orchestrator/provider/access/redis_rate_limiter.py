"""Rate limits counted in Redis, shared by all processes and replicas."""

import asyncio
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import urlsplit

import structlog
from limits import RateLimitItemPerSecond
from limits.aio.storage import RedisStorage
from redis.asyncio import BlockingConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from housing_price_orchestrator.shared.quota import Quota, Rate, RateLimiter, wait_seconds

TIMEOUT_SECONDS: Final = 0.25
"""Time limit of one count. Redis normally answers within 1 ms; a slow count is not worth waiting for."""
RETRY_DELAY_SECONDS: Final = 1.0
"""Delay after a failure of Redis before one request tries it again."""
WARNING_INTERVAL_SECONDS: Final = 60.0
MAX_CONNECTIONS: Final = 16


class RedisRateLimiter:
    """Limits the request rate of each caller. A `RateLimiter`; opened and closed by the application's lifespan.

    While Redis is unavailable, each process counts in its own memory. So pricing continues, and a flood is limited.
    The remaining quota is reported only when it is zero, because asking for it costs a second round trip.
    """

    def __init__(
        self,
        rate: Rate,
        *,
        url: str,
        name: str,
        fallback: RateLimiter,
        timeout_seconds: float = TIMEOUT_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Allow each caller `rate`, counted in the Redis at `url` under `name`; `fallback` counts while Redis fails."""
        self._rate = rate
        self._item = RateLimitItemPerSecond(rate.requests, rate.seconds, namespace=f"housing-price:{name}")
        self._timeout_seconds = timeout_seconds
        # Requests share a few connections: waiting for one is faster than opening many.
        self._connections = BlockingConnectionPool.from_url(
            url,
            max_connections=MAX_CONNECTIONS,
            timeout=timeout_seconds,
            socket_timeout=timeout_seconds,
            socket_connect_timeout=timeout_seconds,
            # No retries: the next request tries again.
            retry=Retry(NoBackoff(), 0),
        )
        options: dict[str, Any] = {"connection_pool": self._connections}
        self._storage = RedisStorage(f"async+{url}", implementation="redispy", **options)
        self._address = urlsplit(url).hostname
        self._fallback = fallback
        self._clock = clock
        self._unavailable_until = -RETRY_DELAY_SECONDS
        self._is_unavailable = False
        self._warned_at = -WARNING_INTERVAL_SECONDS
        self._log = structlog.get_logger()

    async def __aenter__(self) -> Self:
        """Connections are opened by the first requests."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connections."""
        await self._connections.aclose()

    async def hit(self, caller_id: str) -> Quota:
        """Count a request of a caller."""
        if self._is_unavailable:
            if self._clock() < self._unavailable_until:
                return await self._fallback.hit(caller_id)
            # Only this request tries Redis; concurrent ones use the fallback without waiting.
            self._unavailable_until = self._clock() + RETRY_DELAY_SECONDS
        try:
            async with asyncio.timeout(self._timeout_seconds):
                quota = await self._count_in_redis(caller_id)
        except Exception as error:  # noqa: BLE001 - no failure of counting may fail a request
            self._note_failure(error)
            return await self._fallback.hit(caller_id)
        if self._is_unavailable:
            self._is_unavailable = False
            self._log.info("Redis available again: rate limits are shared by all processes", address=self._address)
        return quota

    async def _count_in_redis(self, caller_id: str) -> Quota:
        rate = self._rate
        key = self._item.key_for(caller_id)
        if await self._storage.acquire_sliding_window_entry(key, rate.requests, rate.seconds):
            return Quota(rate, True, None, rate.seconds)
        previous, previous_seconds, current, current_seconds = await self._storage.get_sliding_window(key, rate.seconds)
        remaining_seconds = current_seconds - rate.seconds if current else previous_seconds
        return Quota(rate, False, 0, wait_seconds(rate, previous, current, max(0.0, remaining_seconds)))

    def _note_failure(self, error: Exception) -> None:
        now = self._clock()
        self._is_unavailable = True
        self._unavailable_until = now + RETRY_DELAY_SECONDS
        if now - self._warned_at >= WARNING_INTERVAL_SECONDS:
            self._warned_at = now
            self._log.warning(
                "Redis unavailable: each process counts rate limits separately",
                address=self._address,
                error=type(error).__name__,
            )
