"""Stops listening without losing those who have connected already."""

import os
import socket
from asyncio import AbstractServer
from collections.abc import Callable, Sequence


class ThoroughServer:
    """A server of an event loop, as uvicorn uses it.

    The system connects clients before a program takes them over, and resets those that it has not taken over when it
    stops listening: they may have sent their requests. So those are taken over first.
    """

    def __init__(self, server: AbstractServer, take: Callable[[socket.socket], None]) -> None:
        """Listen with `server`; give to `take` each connection that it has not taken over itself."""
        self._server = server
        self._take = take

    @property
    def sockets(self) -> Sequence[socket.socket]:
        """The sockets that it listens on."""
        listening: Sequence[socket.socket] = self._server.sockets  # type: ignore[attr-defined]  # asyncio.Server has it
        return listening

    def close(self) -> None:
        """Take over who is waiting, and stop listening at once."""
        for listening in self.sockets:
            with socket.socket(fileno=os.dup(listening.fileno())) as same:
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
