"""How often somebody may ask, and what is left of it."""

import re
from dataclasses import dataclass
from typing import Protocol, Self

MAX_REQUESTS = 1_000_000_000
MAX_SECONDS = 86_400

_SECONDS_OF_UNIT = {"second": 1, "minute": 60, "hour": 3_600, "day": 86_400}
_RATE = re.compile(r"(\d{1,12})\s*(?:/|per)\s*(\d{1,6})?\s*(second|minute|hour|day)s?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Rate:
    """So many requests in so many seconds."""

    requests: int
    seconds: int

    def __str__(self) -> str:
        """Write it as it is read."""
        return f"{self.requests}/{self.seconds} seconds"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `100/second`, `1000 per minute` or `500 / 10 seconds`.

        Raises:
            ValueError: it is none; the message says what would be one.
        """
        match = _RATE.fullmatch(text.strip().lower())
        if match is None:
            raise ValueError(f"{text[:100]!r} is no rate: write 100/second, 1000 per minute or 500/10 seconds")
        requests, times, unit = int(match[1]), int(match[2] or 1), match[3]
        seconds = times * _SECONDS_OF_UNIT[unit]
        if not (1 <= requests <= MAX_REQUESTS and 1 <= seconds <= MAX_SECONDS):
            raise ValueError(
                f"{text[:100]!r} is out of bounds: 1 to {MAX_REQUESTS:,} requests, in 1 second to {MAX_SECONDS:,}"
            )
        return cls(requests, seconds)


@dataclass(frozen=True, slots=True)
class Quota:
    """What one request found of its rate."""

    rate: Rate
    is_granted: bool
    remaining: int | None
    """Requests that are left for now; None where finding out would have cost too much."""
    seconds: float
    """So long what remains must do; where nothing remains, until something will."""


class RateLimiter(Protocol):
    """Counts the requests of each caller and says when they are too many."""

    async def hit(self, who: str, /) -> Quota:
        """Count a request of `who`, if it is granted: what is refused does not count.

        Never blocks the event loop on I/O, never raises: where the count cannot be had, the request is granted.
        """
        ...


def wait_seconds(rate: Rate, previous: int, current: int, left: float) -> float:
    """Tell how long nothing is granted: with the last window's count, this one's, and the seconds that are left of it.

    The last window counts in proportion to what of it lies within one window before now (a sliding window counter).
    """
    if current < rate.requests:
        weight = (rate.requests - current) / previous if previous else 1.0
        return max(0.0, left - weight * rate.seconds)
    return left
