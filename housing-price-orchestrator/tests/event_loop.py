"""Whether others have their turn while something is done."""

import asyncio
from collections.abc import Awaitable


async def turns_during(work: Awaitable[object]) -> int:
    """Do it, and count how often somebody else has had their turn meanwhile."""
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    somebody = asyncio.create_task(count())
    try:
        await work
    finally:
        somebody.cancel()
    return turns
