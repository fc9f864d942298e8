import asyncio

import pytest

from housing_price_orchestrator.interface.documents.stream_gate import INITIAL_BLOCKS, StreamGate

pytestmark = pytest.mark.anyio


class Crowd:
    """Blocks that enter a gate and stay until the test releases them."""

    def __init__(self, gate: StreamGate) -> None:
        self.gate = gate
        self.inside: list[int] = []
        self.order: list[int] = []
        self.tasks: dict[int, asyncio.Task[None]] = {}
        self.exits: dict[int, asyncio.Event] = {}

    async def come(self, *names: int) -> None:
        for name in names:
            self.exits[name] = asyncio.Event()
            self.tasks[name] = asyncio.create_task(self._pass(name))
        await self.settle()

    async def _pass(self, name: int) -> None:
        async with self.gate:
            self.inside.append(name)
            self.order.append(name)
            try:
                await self.exits[name].wait()
            finally:
                self.inside.remove(name)

    async def go(self, *names: int) -> None:
        for name in names:
            self.exits[name].set()
        await self.settle()

    async def settle(self) -> None:
        for _ in range(10):
            await asyncio.sleep(0)

    async def end(self) -> None:
        for _ in range(len(self.tasks)):
            await self.go(*self.inside)
        await asyncio.wait_for(asyncio.gather(*self.tasks.values(), return_exceptions=True), 10)


async def test_the_limit_starts_low_and_each_finished_block_raises_it_by_one() -> None:
    crowd = Crowd(StreamGate(max_blocks=10, affordable_blocks=lambda: 100))
    await crowd.come(*range(50))
    assert len(crowd.inside) == INITIAL_BLOCKS
    await crowd.go(0, 1)
    assert len(crowd.inside) == INITIAL_BLOCKS + 2
    for _ in range(5):
        await crowd.go(*crowd.inside[:2])
    assert len(crowd.inside) == 10
    await crowd.end()
    assert crowd.order == list(range(50))


async def test_the_limit_never_exceeds_what_is_affordable_and_is_at_least_one() -> None:
    affordable = 100.0
    crowd = Crowd(StreamGate(max_blocks=4, affordable_blocks=lambda: affordable))
    await crowd.come(*range(20))
    assert len(crowd.inside) == 4
    affordable = 2.5
    await crowd.go(0, 1, 2, 3)
    assert len(crowd.inside) == 2
    affordable = 0.0
    await crowd.go(*crowd.inside)
    assert len(crowd.inside) == 1
    await crowd.end()
    assert crowd.order == list(range(20))


async def test_a_reduced_limit_recovers_step_by_step() -> None:
    affordable = 100.0
    crowd = Crowd(StreamGate(max_blocks=8, affordable_blocks=lambda: affordable))
    await crowd.come(*range(40))
    affordable = 1.0
    await crowd.go(*crowd.inside)
    assert len(crowd.inside) == 1
    affordable = 100.0
    await crowd.go(*crowd.inside)
    assert len(crowd.inside) == 2
    await crowd.end()


@pytest.mark.parametrize("who", ["one that waits", "one that is inside", "one whose turn has just come"])
async def test_a_cancelled_block_frees_its_place(who: str) -> None:
    crowd = Crowd(StreamGate(max_blocks=1, affordable_blocks=lambda: 100))
    await crowd.come(0, 1, 2)
    assert crowd.inside == [0]
    match who:
        case "one that waits":
            crowd.tasks[1].cancel()
        case "one that is inside":
            crowd.tasks[0].cancel()
        case _:
            crowd.exits[0].set()
            while 0 in crowd.inside:
                await asyncio.sleep(0)
            crowd.tasks[1].cancel()
    await crowd.end()
    assert 2 in crowd.order
    assert not crowd.inside
    await crowd.come(3)
    assert crowd.inside == [3]
    await crowd.end()
