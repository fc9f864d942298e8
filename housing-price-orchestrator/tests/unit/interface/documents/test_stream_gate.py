"""The gate limits concurrent blocks, adapts the limit, and never loses a place."""

import asyncio

import pytest

from housing_price_orchestrator.interface.documents.stream_gate import INITIAL_BLOCKS, StreamGate

pytestmark = pytest.mark.anyio


class Blocks:
    """Blocks that enter a gate and stay until the test releases them."""

    def __init__(self, gate: StreamGate) -> None:
        self.gate = gate
        self.inside: list[int] = []
        self.order: list[int] = []
        self.tasks: dict[int, asyncio.Task[None]] = {}
        self.exits: dict[int, asyncio.Event] = {}

    async def enter(self, *numbers: int) -> None:
        for number in numbers:
            self.exits[number] = asyncio.Event()
            self.tasks[number] = asyncio.create_task(self._pass(number))
        await self.settle()

    async def _pass(self, number: int) -> None:
        async with self.gate:
            self.inside.append(number)
            self.order.append(number)
            try:
                await self.exits[number].wait()
            finally:
                self.inside.remove(number)

    async def finish(self, *numbers: int) -> None:
        for number in numbers:
            self.exits[number].set()
        await self.settle()

    async def settle(self) -> None:
        for _ in range(10):
            await asyncio.sleep(0)

    async def finish_all(self) -> None:
        for _ in range(len(self.tasks)):
            await self.finish(*self.inside)
        await asyncio.wait_for(asyncio.gather(*self.tasks.values(), return_exceptions=True), 10)


async def test_the_limit_starts_low_and_each_finished_block_raises_it_by_one() -> None:
    blocks = Blocks(StreamGate(max_blocks=10, affordable_blocks=lambda: 100))
    await blocks.enter(*range(50))
    assert len(blocks.inside) == INITIAL_BLOCKS
    await blocks.finish(0, 1)
    assert len(blocks.inside) == INITIAL_BLOCKS + 2
    for _ in range(5):
        await blocks.finish(*blocks.inside[:2])
    assert len(blocks.inside) == 10
    await blocks.finish_all()
    assert blocks.order == list(range(50))


async def test_the_limit_never_exceeds_what_is_affordable_and_is_at_least_one() -> None:
    affordable = 100.0
    blocks = Blocks(StreamGate(max_blocks=4, affordable_blocks=lambda: affordable))
    await blocks.enter(*range(20))
    assert len(blocks.inside) == 4
    affordable = 2.5
    await blocks.finish(0, 1, 2, 3)
    assert len(blocks.inside) == 2
    affordable = 0.0
    await blocks.finish(*blocks.inside)
    assert len(blocks.inside) == 1
    await blocks.finish_all()
    assert blocks.order == list(range(20))


async def test_a_reduced_limit_recovers_step_by_step() -> None:
    affordable = 100.0
    blocks = Blocks(StreamGate(max_blocks=8, affordable_blocks=lambda: affordable))
    await blocks.enter(*range(40))
    affordable = 1.0
    await blocks.finish(*blocks.inside)
    assert len(blocks.inside) == 1
    affordable = 100.0
    await blocks.finish(*blocks.inside)
    assert len(blocks.inside) == 2
    await blocks.finish_all()


@pytest.mark.parametrize("cancelled", ["a waiting block", "an active block", "a block that was just admitted"])
async def test_a_cancelled_block_frees_its_place(cancelled: str) -> None:
    blocks = Blocks(StreamGate(max_blocks=1, affordable_blocks=lambda: 100))
    await blocks.enter(0, 1, 2)
    assert blocks.inside == [0]
    match cancelled:
        case "a waiting block":
            blocks.tasks[1].cancel()
        case "an active block":
            blocks.tasks[0].cancel()
        case _:
            blocks.exits[0].set()
            while 0 in blocks.inside:
                await asyncio.sleep(0)
            blocks.tasks[1].cancel()
    await blocks.finish_all()
    assert 2 in blocks.order
    assert not blocks.inside
    await blocks.enter(3)
    assert blocks.inside == [3]
    await blocks.finish_all()
