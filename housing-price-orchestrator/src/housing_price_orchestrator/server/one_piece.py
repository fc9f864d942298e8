"""Sends the head of an answer together with the first of its body."""

import asyncio
from typing import Any

MOST_BYTES_JOINED = 64 * 1024
"""What is larger goes out in several packets anyway, and would only be copied."""


class OnePieceTransport(asyncio.Transport):
    """A connection to a client that holds the head of an answer back until there is something to send after it.

    uvicorn writes the head and the body of an answer one after the other, and each write is a packet of its own that
    the system sends, and the client's system takes in, for 5 to 10 us on either side.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        """Send through `transport`."""
        super().__init__()
        self._transport = transport
        self._is_head_next = False
        self._head: bytes | bytearray | memoryview | None = None

    def begin_answer(self) -> None:
        """Say that what is written next is a head, which more will follow."""
        self._is_head_next = True

    def send_head(self) -> None:
        """Send the head now, if it is still held back: nothing comes after it for now."""
        self._is_head_next = False
        if self._head is not None:
            head, self._head = self._head, None
            self._transport.write(head)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Write it, or keep it for a moment."""
        if self._is_head_next:
            self._is_head_next = False
            self._head = data
        elif self._head is not None:
            head, self._head = self._head, None
            if len(data) > MOST_BYTES_JOINED:
                self._transport.write(head)
                self._transport.write(data)
            else:
                self._transport.write(b"".join((head, data)))
        else:
            self._transport.write(data)

    def write_eof(self) -> None:
        """Close it for writing, after what was written."""
        self.send_head()
        self._transport.write_eof()

    def can_write_eof(self) -> bool:
        """Tell whether it can be closed for writing alone; TLS cannot."""
        return self._transport.can_write_eof()

    def close(self) -> None:
        """Close it when what was written has been sent."""
        self.send_head()
        self._transport.close()

    def abort(self) -> None:
        """Close it at once; what was not sent is lost."""
        self._head = None
        self._transport.abort()

    def is_closing(self) -> bool:
        """Tell whether it is closed or about to be."""
        return self._transport.is_closing()

    def pause_reading(self) -> None:
        """Take nothing more in."""
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Go on taking in."""
        self._transport.resume_reading()

    def get_write_buffer_size(self) -> int:
        """Tell how many bytes the system has not taken yet."""
        return self._transport.get_write_buffer_size()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Tell about the connection."""
        return self._transport.get_extra_info(name, default)
