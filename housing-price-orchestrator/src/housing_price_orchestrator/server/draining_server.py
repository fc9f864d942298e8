"""Drains the accept queue before the socket closes, and accepts many connections per turn of the event loop."""

import contextlib
import ctypes
import os
import socket
import struct
import sys
from asyncio import AbstractEventLoop, AbstractServer, Event
from collections.abc import Callable, Sequence
from typing import Final

MAX_UNSENT_BYTES: Final = 128 * 1024
"""Limit of unsent data in the kernel's send buffer (`TCP_NOTSENT_LOWAT`).

By default the kernel buffers megabytes, so a client that never reads would have dozens of responses computed in vain.
"""


MAX_ACCEPTS_PER_TURN: Final = 64
"""Maximum connections accepted per turn of the event loop; the limit leaves time for requests."""

HANDSHAKE_SECONDS: Final = 0.05
"""Time for connections that are being opened when the server closes; shorter than uvicorn's pause after the close."""


class DrainingServer:
    """An `asyncio` server for uvicorn that accepts several connections per turn and drains its queue on close.

    libuv accepts one connection per turn of its loop. A busy loop makes a few hundred turns per second, so at higher
    connection rates clients would wait for seconds. This server accepts up to `MAX_ACCEPTS_PER_TURN` per turn.

    When a listening socket closes, the kernel resets all connections in its accept queue, although their clients may
    have sent requests. So this server first ignores new connections, lets those that are being opened join the queue,
    accepts all, and then closes the socket. A socket that other processes share and still serve accepts new ones.
    """

    def __init__(
        self,
        loop: AbstractEventLoop,
        server: AbstractServer,
        accept: Callable[[socket.socket], None],
        *,
        is_shared: bool = False,
    ) -> None:
        """Wrap `server` of `loop`, and pass each accepted socket to `accept`.

        `is_shared` says that other processes accept connections from the same sockets.
        """
        self._loop = loop
        self._is_shared = is_shared
        self._closed = Event()
        self._server = server
        self._accept = accept
        self._duplicates = [_duplicate(listening) for listening in self.sockets]
        for duplicate in self._duplicates:
            duplicate.setblocking(False)
            # Accepted connections inherit this option.
            duplicate.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, MAX_UNSENT_BYTES)
            loop.add_reader(duplicate, self._accept_waiting, duplicate, MAX_ACCEPTS_PER_TURN)

    @property
    def sockets(self) -> Sequence[socket.socket]:
        """The listening sockets."""
        listening: Sequence[socket.socket] = self._server.sockets  # type: ignore[attr-defined]  # asyncio.Server has it
        return listening

    def close(self) -> None:
        """Start to close: stop listening when the connections that are being opened have been accepted."""
        if self._is_shared:
            self._close_sockets()
            return
        for duplicate in self._duplicates:
            _ignore_new_connections(duplicate)
        self._loop.call_later(HANDSHAKE_SECONDS, self._close_sockets)

    async def wait_closed(self) -> None:
        """Wait until the server is closed."""
        await self._closed.wait()
        await self._server.wait_closed()

    def _close_sockets(self) -> None:
        for duplicate in self._duplicates:
            self._loop.remove_reader(duplicate)
            self._accept_waiting(duplicate)
            duplicate.close()
        self._duplicates.clear()
        self._server.close()
        self._closed.set()

    def _accept_waiting(self, listening: socket.socket, max_accepts: int = sys.maxsize) -> None:
        for _ in range(max_accepts):
            try:
                accepted, _ = listening.accept()
            except OSError:
                # The queue is empty, or no file descriptor is left.
                return
            accepted.setblocking(False)
            self._accept(accepted)


def _duplicate(listening: socket.socket) -> socket.socket:
    """Duplicate a socket, because an event loop exposes one without `accept`."""
    return socket.socket(fileno=os.dup(listening.fileno()))


_SO_ATTACH_FILTER: Final = 26
"""From Linux's `asm-generic/socket.h`; Python has no name for it."""

_SYN_FILTER: Final = b"".join(
    struct.pack("HBBI", *instruction)
    for instruction in (
        (0x30, 0, 0, 13),  # load the flags of the TCP header
        (0x45, 0, 1, 0x02),  # SYN, which opens a connection?
        (0x06, 0, 0, 0),  # yes: drop the packet
        (0x06, 0, 0, 0xFFFFFFFF),  # no: pass it
    )
)
"""A classic BPF program; see Linux's `Documentation/networking/filter.rst`."""


def _ignore_new_connections(listening: socket.socket) -> None:
    """Drop the packets that open connections, so that clients try again and are refused once the socket is closed.

    Otherwise a connection could join the accept queue after the last `accept` and before the close, which resets it.
    Handshakes that have begun go on.
    Systems other than Linux have no such filter.
    """
    if sys.platform != "linux":
        return
    program = ctypes.create_string_buffer(_SYN_FILTER, len(_SYN_FILTER))
    # struct sock_fprog: the number of instructions of 8 bytes, and their address.
    described = struct.pack("HP", len(_SYN_FILTER) // 8, ctypes.addressof(program))
    with contextlib.suppress(OSError):
        listening.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, described)
