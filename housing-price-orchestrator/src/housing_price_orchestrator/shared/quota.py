"""Rate limits and the quota that is left."""

import re
from dataclasses import dataclass
from typing import Final, Protocol, Self

MAX_REQUESTS: Final = 1_000_000_000
MAX_SECONDS: Final = 86_400

_SECONDS_OF_UNIT: Final = {"second": 1, "minute": 60, "hour": 3_600, "day": 86_400}
_RATE: Final = re.compile(r"(\d{1,12})\s*(?:/|per)\s*(\d{1,6})?\s*(second|minute|hour|day)s?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Rate:
    """A number of requests per number of seconds."""

    requests: int
    seconds: int

    def __str__(self) -> str:
        """Format the rate so that `parse` can read it."""
        return f"{self.requests}/{self.seconds} seconds"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `100/second`, `1000 per minute` or `500 / 10 seconds`.

        Raises:
            ValueError: the text is not a rate; the message shows the format.
        """
        match = _RATE.fullmatch(text.strip().lower())
        if match is None:
            raise ValueError(f"{text[:100]!r} is not a rate: use 100/second, 1000 per minute or 500/10 seconds")
        requests, count, unit = int(match[1]), int(match[2] or 1), match[3]
        seconds = count * _SECONDS_OF_UNIT[unit]
        if not (1 <= requests <= MAX_REQUESTS and 1 <= seconds <= MAX_SECONDS):
            raise ValueError(
                f"{text[:100]!r} is out of range: 1 to {MAX_REQUESTS:,} requests per 1 to {MAX_SECONDS:,} seconds"
            )
        return cls(requests, seconds)


@dataclass(frozen=True, slots=True)
class Quota:
    """The state of a rate limit after one request."""

    rate: Rate
    is_granted: bool
    remaining: int | None
    """Requests left; None if finding out would cost another round trip."""
    reset_seconds: float
    """Seconds until the quota is renewed; if it is used up, until the next request is granted."""


class RateLimiter(Protocol):
    """Counts the requests of each caller against a rate."""

    async def hit(self, caller: str, /) -> Quota:
        """Count a request of `caller` if it is granted; refused requests do not count.

        Never blocks the event loop on I/O and never raises: a request that cannot be counted is granted.
        """
        ...


def wait_seconds(rate: Rate, previous: int, current: int, remaining_seconds: float) -> float:
    """Return the seconds until the next request is granted, by a sliding window counter.

    Args:
        rate: the rate limit; its seconds are the length of a window.
        previous: requests in the previous window, weighted by its overlap with the sliding window.
        current: requests in the current window.
        remaining_seconds: seconds left in the current window.
    """
    if current < rate.requests:
        weight = (rate.requests - current) / previous if previous else 1.0
        return max(0.0, remaining_seconds - weight * rate.seconds)
    return remaining_seconds
