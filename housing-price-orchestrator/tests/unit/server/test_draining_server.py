"""The server accepts many connections per turn of the event loop, and resets none when it closes."""

import asyncio
import select
import socket
import sys
from collections.abc import Callable
from contextlib import ExitStack

import pytest

from housing_price_orchestrator.server.draining_server import MAX_ACCEPTS_PER_TURN, DrainingServer
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
        await server.wait_closed()
    return turns if accepted == CALLERS else -1


def test_a_busy_loop_accepts_many_connections_in_each_turn() -> None:
    with asyncio.Runner(loop_factory=ListeningConfig("app:app").get_loop_factory()) as runner:
        turns = runner.run(_turns_until_all_are_accepted())
    # libuv alone accepts one per turn, which would take as many turns as there are connections.
    assert 0 < turns < CALLERS / 4


class _CalledBeforeClose:
    """A server of one socket that calls `late` at the last moment before it closes the socket."""

    def __init__(self, listening: socket.socket, late: Callable[[], object]) -> None:
        self._listening = listening
        self._late = late
        self.sockets = [listening]

    def close(self) -> None:
        self._late()
        self._listening.close()

    async def wait_closed(self) -> None:
        """Closed at once."""


async def _connected(*, is_shared: bool) -> tuple[bool, bool]:
    """Tell whether a client that was early, and one that came after the last `accept`, were connected."""
    accepted: list[socket.socket] = []
    with ExitStack() as stack:
        listening = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        address = listening.getsockname()
        late = stack.enter_context(socket.socket())
        late.setblocking(False)
        server = DrainingServer(
            asyncio.get_running_loop(),
            _CalledBeforeClose(listening, lambda: late.connect_ex(address)),  # type: ignore[arg-type]  # all that it uses
            lambda connection: accepted.append(stack.enter_context(connection)),
            is_shared=is_shared,
        )
        early = stack.enter_context(socket.create_connection(address, timeout=10))
        early.sendall(b"asked")
        server.close()
        await server.wait_closed()
        is_early_accepted = len(accepted) == 1 and accepted[0].recv(5) == b"asked"
        # Over loopback a connection is established before `connect` returns, or not at all.
        _, writable, _ = select.select([], [late], [], 0)
        return is_early_accepted, bool(writable)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux filters packets by socket")
@pytest.mark.parametrize("is_shared", [False, True])
def test_no_connection_joins_the_queue_between_the_last_accept_and_the_close(is_shared: bool) -> None:
    # A socket that other processes still serve goes on accepting for them.
    assert asyncio.run(_connected(is_shared=is_shared)) == (True, is_shared)
