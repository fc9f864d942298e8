"""A delayed close: lets a client that is still sending its request read the response before the connection closes."""

import asyncio
from collections.abc import Callable


class DelayedCloseTransport(asyncio.Transport):
    """A transport whose `close` calls a callback; used for a response to a request whose body is incomplete."""

    def __init__(self, transport: asyncio.Transport, close: Callable[[], None]) -> None:
        """Write to `transport`, and call `close` to close it."""
        super().__init__()
        self._transport = transport
        self._close = close

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Write `data`."""
        self._transport.write(data)

    def is_closing(self) -> bool:
        """Return whether the transport is closed or closing."""
        return self._transport.is_closing()

    def close(self) -> None:
        """Call the callback."""
        self._close()
