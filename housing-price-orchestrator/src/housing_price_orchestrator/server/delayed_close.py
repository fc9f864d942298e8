"""Closes a connection only when its client can have seen the answer."""

import asyncio
from collections.abc import Callable


class LingeringTransport(asyncio.Transport):
    """What an answer is written to while its request's body is still coming: closing it is left to `close`."""

    def __init__(self, transport: asyncio.Transport, close: Callable[[], None]) -> None:
        """Write to `transport`."""
        super().__init__()
        self._transport = transport
        self._close = close

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Write it."""
        self._transport.write(data)

    def is_closing(self) -> bool:
        """Tell whether it is closed or about to be."""
        return self._transport.is_closing()

    def close(self) -> None:
        """Ask for the end of the connection."""
        self._close()
