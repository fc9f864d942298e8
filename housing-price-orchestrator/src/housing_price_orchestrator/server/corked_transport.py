"""Corking: sends the head of a response in the same packet as the start of its body."""

import asyncio
from typing import Any, Final

MAX_JOINED_BYTES: Final = 64 * 1024
"""Larger bodies need several packets anyway, so joining them would only copy data."""


class CorkedTransport(asyncio.Transport):
    """A transport that holds back the head of a response until the next write.

    uvicorn writes the head and the body separately, and each write is a packet. Without this class a worker serves 6 %
    fewer single houses over 128 connections (5.6 and 6.4 % in two interleaved runs, 30 November 2026).
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        """Write to `transport`."""
        super().__init__()
        self._transport = transport
        self._is_head_next = False
        self._head: bytes | bytearray | memoryview | None = None

    def cork(self) -> None:
        """Hold back the next write, which is the head of a response."""
        self._is_head_next = True

    def uncork(self) -> None:
        """Send the head now if it is still held back."""
        self._is_head_next = False
        if self._head is not None:
            head, self._head = self._head, None
            self._transport.write(head)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Write `data`, or hold it back if it is the head of a response."""
        if self._is_head_next:
            self._is_head_next = False
            self._head = data
        elif self._head is not None:
            head, self._head = self._head, None
            if len(data) > MAX_JOINED_BYTES:
                self._transport.write(head)
                self._transport.write(data)
            else:
                self._transport.write(b"".join((head, data)))
        else:
            self._transport.write(data)

    def write_eof(self) -> None:
        """Close the write side after the data written so far."""
        self.uncork()
        self._transport.write_eof()

    def can_write_eof(self) -> bool:
        """Return whether the write side can be closed on its own; with TLS it cannot."""
        return self._transport.can_write_eof()

    def close(self) -> None:
        """Close the connection after the data written so far has been sent."""
        self.uncork()
        self._transport.close()

    def abort(self) -> None:
        """Close the connection at once and discard unsent data."""
        self._head = None
        self._transport.abort()

    def is_closing(self) -> bool:
        """Return whether the connection is closed or closing."""
        return self._transport.is_closing()

    def pause_reading(self) -> None:
        """Stop reading."""
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Resume reading."""
        self._transport.resume_reading()

    def get_write_buffer_size(self) -> int:
        """Return the number of bytes not yet passed to the kernel."""
        return self._transport.get_write_buffer_size()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Return information about the connection."""
        return self._transport.get_extra_info(name, default)
