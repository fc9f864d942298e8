"""Just enough HTTP/1.1 for a client that costs little beside what it measures."""

import argparse
import gc
import re
import socket
from dataclasses import dataclass
from pathlib import Path

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked", re.IGNORECASE)
_END_OF_HEAD = b"\r\n\r\n"
_RECEIVE_BYTES = 1 << 20
SECONDS_FOR_AN_ANSWER = 60.0
OK = 200


@dataclass(frozen=True)
class Target:
    """Where requests go, and the prepared requests, head and body in one."""

    port: int
    requests: list[bytes]


def arguments(description: str | None) -> argparse.ArgumentParser:
    """Make a parser with the options that all clients have."""
    parser = argparse.ArgumentParser(description=description)
    add_target(parser)
    parser.add_argument("--expected", type=Path, required=True)
    return parser


def add_target(parser: argparse.ArgumentParser) -> None:
    """Add the options that say where requests go and what they are."""
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--path", required=True)
    parser.add_argument("--header", action="append", default=[], help="of every request, as NAME: VALUE")
    parser.add_argument("--bodies", type=Path, required=True, help="one body per line")
    parser.add_argument("--rows", type=int, required=True, help="houses per body")


def target(options: argparse.Namespace) -> Target:
    """Prepare every request; from here on the garbage collector stays out of the measurement."""
    head = f"POST {options.path} HTTP/1.1\r\nHost: 127.0.0.1:{options.port}\r\nContent-Type: application/json\r\n"
    head += "".join(f"{header}\r\n" for header in options.header)
    requests = [
        f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
        for body in options.bodies.read_bytes().splitlines()
    ]
    gc.freeze()
    gc.disable()
    return Target(options.port, requests)


def answer_in(received: bytes | bytearray) -> tuple[int, bytes] | None:
    """Find status and body in what was received; None until all of it is there."""
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
        body = dechunked(bytes(received[start:]))
    else:
        raise ValueError("an answer without its length")
    return int(received[9:12]), body


def dechunked(content: bytes) -> bytes:
    """Take a chunked body apart."""
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
    """Open a connection that sends at once."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=SECONDS_FOR_AN_ANSWER)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def ask(connection: socket.socket, request: bytes) -> tuple[int, bytes]:
    """Send a request and wait for the whole answer."""
    connection.sendall(request)
    received = bytearray()
    while (answer := answer_in(received)) is None:
        part = connection.recv(_RECEIVE_BYTES)
        if not part:
            raise ConnectionError("the server closed the connection")
        received += part
    return answer
