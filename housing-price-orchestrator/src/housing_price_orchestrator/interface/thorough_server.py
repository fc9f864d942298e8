"""Listens so that nobody is lost at the end, and so that nobody has much prepared who does not read."""

import os
import socket
from asyncio import AbstractServer
from collections.abc import Callable, Sequence

UNSENT_BYTES = 128 * 1024
"""What the system takes of an answer before it can send it. Without a limit it takes megabytes, and a client that asks
again and again without reading gets dozens of answers made for nothing."""


class ThoroughServer:
    """A server of an event loop, as uvicorn uses it.

    The system connects clients before a program takes them over, and resets those that it has not taken over when it
    stops listening: they may have sent their requests. So those are taken over first.
    """

    def __init__(self, server: AbstractServer, take: Callable[[socket.socket], None]) -> None:
        """Listen with `server`; give to `take` each connection that it has not taken over itself."""
        self._server = server
        self._take = take
        for listening in self.sockets:
            with _same(listening) as same:
                # Connections inherit it.
                same.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT_BYTES)

    @property
    def sockets(self) -> Sequence[socket.socket]:
        """The sockets that it listens on."""
        listening: Sequence[socket.socket] = self._server.sockets  # type: ignore[attr-defined]  # asyncio.Server has it
        return listening

    def close(self) -> None:
        """Take over who is waiting, and stop listening at once."""
        for listening in self.sockets:
            with _same(listening) as same:
                same.setblocking(False)
                self._empty(same)
        self._server.close()

    async def wait_closed(self) -> None:
        """Wait until it is closed."""
        await self._server.wait_closed()

    def _empty(self, listening: socket.socket) -> None:
        while True:
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
