"""The server accepts many connections per turn of the event loop."""

import asyncio
import socket
from contextlib import ExitStack

from housing_price_orchestrator.server.draining_server import MAX_ACCEPTS_PER_TURN
from housing_price_orchestrator.server.listening import ListeningConfig

CALLERS = 5 * MAX_ACCEPTS_PER_TURN


async def _turns_until_all_are_accepted() -> int:
    """Count the turns of the loop until all waiting connections are accepted; -1 if some never are."""
    loop = asyncio.get_running_loop()
    accepted = 0

    class Counting(asyncio.Protocol):
        def connection_made(self, _transport: asyncio.BaseTransport) -> None:
            nonlocal accepted
            accepted += 1

    server = await loop.create_server(Counting, "127.0.0.1", 0, backlog=2 * CALLERS)
    with ExitStack() as stack:
        # The loop does not run while they connect, so the connections wait in the kernel's accept queue.
        for _ in range(CALLERS):
            stack.enter_context(socket.create_connection(server.sockets[0].getsockname()))
        turns = 0
        while accepted < CALLERS and turns < 10 * CALLERS:
            # Never idle, so that each turn polls the sockets once, as under load.
            await asyncio.sleep(0)
            turns += 1
        server.close()
    return turns if accepted == CALLERS else -1


def test_a_busy_loop_accepts_many_connections_in_each_turn() -> None:
    with asyncio.Runner(loop_factory=ListeningConfig("app:app").get_loop_factory()) as runner:
        turns = runner.run(_turns_until_all_are_accepted())
    # libuv alone accepts one per turn, which would take as many turns as there are connections.
    assert 0 < turns < CALLERS / 4
