"""A minimal HTTP/1.1 client with little CPU cost."""

import argparse
import gc
import re
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CHUNKED: Final = re.compile(rb"\r\ntransfer-encoding: *chunked", re.IGNORECASE)
_END_OF_HEAD: Final = b"\r\n\r\n"
_RECEIVE_BYTES: Final = 1 << 20
ANSWER_TIMEOUT_SECONDS: Final = 60.0
OK: Final = 200


@dataclass(frozen=True)
class Target:
    """A port and the prepared requests, each head and body in one."""

    port: int
    requests: list[bytes]


def arguments(description: str | None) -> argparse.ArgumentParser:
    """Create a parser with the options common to all clients."""
    parser = argparse.ArgumentParser(description=description)
    add_target(parser)
    parser.add_argument("--expected", type=Path, required=True)
    return parser


def add_target(parser: argparse.ArgumentParser) -> None:
    """Add the options for the target address and the requests."""
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--path", required=True)
    parser.add_argument("--header", action="append", default=[], help="header of every request, as NAME: VALUE")
    parser.add_argument("--bodies", type=Path, required=True, help="one body per line")
    parser.add_argument("--rows", type=int, required=True, help="houses per body")


def target(options: argparse.Namespace) -> Target:
    """Prepare every request, and turn off garbage collection so that it does not affect latencies."""
    head = f"POST {options.path} HTTP/1.1\r\nHost: 127.0.0.1:{options.port}\r\nContent-Type: application/json\r\n"
    head += "".join(f"{header}\r\n" for header in options.header)
    requests = [
        f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
        for body in options.bodies.read_bytes().splitlines()
    ]
    gc.freeze()
    gc.disable()
    return Target(options.port, requests)


def parse_answer(received: bytes | bytearray) -> tuple[int, bytes] | None:
    """Return status and body of a complete answer, or None if more bytes are needed."""
    head_end = received.find(_END_OF_HEAD)
    if head_end < 0:
        return None
    start = head_end + len(_END_OF_HEAD)
    length = _LENGTH.search(received, 0, start)
    if length is not None:
        if len(received) - start < int(length[1]):
            return None
        body = bytes(received[start : start + int(length[1])])
    elif _CHUNKED.search(received, 0, start):
        if not received.endswith(b"0" + _END_OF_HEAD):
            return None
        body = decode_chunked(bytes(received[start:]))
    else:
        raise ValueError("the answer has neither Content-Length nor chunked encoding")
    return int(received[9:12]), body


def decode_chunked(content: bytes) -> bytes:
    """Decode a chunked body."""
    parts: list[bytes] = []
    position = 0
    while True:
        line_end = content.index(b"\r\n", position)
        size = int(content[position:line_end], 16)
        if size == 0:
            return b"".join(parts)
        parts.append(content[line_end + 2 : line_end + 2 + size])
        position = line_end + 2 + size + 2


def connect(port: int) -> socket.socket:
    """Open a connection without Nagle's algorithm."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=ANSWER_TIMEOUT_SECONDS)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def send_request(connection: socket.socket, request: bytes) -> tuple[int, bytes]:
    """Send a request and wait for the complete answer."""
    connection.sendall(request)
    received = bytearray()
    while (answer := parse_answer(received)) is None:
        part = connection.recv(_RECEIVE_BYTES)
        if not part:
            raise ConnectionError("the server closed the connection")
        received += part
    return answer
