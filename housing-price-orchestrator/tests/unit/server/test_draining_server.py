import asyncio
import socket
from contextlib import ExitStack

from housing_price_orchestrator.server.draining_server import TAKEN_PER_TURN
from housing_price_orchestrator.server.listening import ListeningConfig

CALLERS = 5 * TAKEN_PER_TURN


async def _turns_until_all_are_taken() -> int:
    """Count the turns of the loop until as many connections as wait have been taken over."""
    loop = asyncio.get_running_loop()
    taken = 0

    class Counting(asyncio.Protocol):
        def connection_made(self, _transport: asyncio.BaseTransport) -> None:
            nonlocal taken
            taken += 1

    server = await loop.create_server(Counting, "127.0.0.1", 0, backlog=2 * CALLERS)
    with ExitStack() as stack:
        # Nothing of the loop runs while they connect: the system has them wait.
        for _ in range(CALLERS):
            stack.enter_context(socket.create_connection(server.sockets[0].getsockname()))
        turns = 0
        while taken < CALLERS and turns < 10 * CALLERS:
            # Never idle, so that each turn is one look at the sockets, as under load.
            await asyncio.sleep(0)
            turns += 1
        server.close()
    return turns if taken == CALLERS else -1


def test_a_busy_loop_takes_over_many_connections_in_each_turn() -> None:
    with asyncio.Runner(loop_factory=ListeningConfig("app:app").get_loop_factory()) as runner:
        turns = runner.run(_turns_until_all_are_taken())
    # One in each turn, as libuv does by itself, would take as many turns as there are connections.
    assert 0 < turns < CALLERS / 4
