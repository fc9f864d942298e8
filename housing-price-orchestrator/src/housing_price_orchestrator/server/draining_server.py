"""Listens so that nobody is lost at the end, and so that nobody has much prepared who does not read."""

import os
import socket
import sys
from asyncio import AbstractEventLoop, AbstractServer
from collections.abc import Callable, Sequence

UNSENT_BYTES = 128 * 1024
"""What the system takes of an answer before it can send it. Without a limit it takes megabytes, and a client that asks
again and again without reading gets dozens of answers made for nothing."""


TAKEN_PER_TURN = 64
"""So many connections are taken over in one turn of the event loop at the most; requests have their turn in between."""


class ThoroughServer:
    """A server of an event loop, as uvicorn uses it.

    libuv takes over one connection in each turn of its loop. A busy loop has some hundred turns in a second, so where
    more callers than that connect, they wait for many seconds though there would be time to answer them. Here all that
    wait are taken over in each turn, within bounds.

    The system connects clients before a program takes them over, and resets those that it has not taken over when it
    stops listening: they may have sent their requests. So those are taken over first.
    """

    def __init__(self, loop: AbstractEventLoop, server: AbstractServer, take: Callable[[socket.socket], None]) -> None:
        """Listen with `server` of `loop`; give to `take` each connection that it has not taken over itself."""
        self._loop = loop
        self._server = server
        self._take = take
        self._same = [_same(listening) for listening in self.sockets]
        for same in self._same:
            same.setblocking(False)
            # Connections inherit it.
            same.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT_BYTES)
            loop.add_reader(same, self._empty, same, TAKEN_PER_TURN)

    @property
    def sockets(self) -> Sequence[socket.socket]:
        """The sockets that it listens on."""
        listening: Sequence[socket.socket] = self._server.sockets  # type: ignore[attr-defined]  # asyncio.Server has it
        return listening

    def close(self) -> None:
        """Take over who is waiting, and stop listening at once."""
        for same in self._same:
            self._loop.remove_reader(same)
            self._empty(same)
            same.close()
        self._same.clear()
        self._server.close()

    async def wait_closed(self) -> None:
        """Wait until it is closed."""
        await self._server.wait_closed()

    def _empty(self, listening: socket.socket, most: int = sys.maxsize) -> None:
        for _ in range(most):
            try:
                accepted, _ = listening.accept()
            except OSError:
                # Nobody is left, or nothing more can be taken.
                return
            accepted.setblocking(False)
            self._take(accepted)


def _same(listening: socket.socket) -> socket.socket:
    """The same socket with all its methods, of which an event loop shows only some."""
    return socket.socket(fileno=os.dup(listening.fileno()))
