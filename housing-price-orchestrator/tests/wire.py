"""Speaks to a server in bytes, well-formed or not, and takes its answers apart."""

import contextlib
import json
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

BOUNDED_SECONDS = 15.0
"""Maximum of any wait: far more than it takes, and less than the timeout of a test."""


@dataclass(frozen=True)
class Answered:
    """One answer on the wire."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def problem(self) -> str:
        """The name of the problem that it holds."""
        return str(self.json["type"]).removeprefix("urn:housing-price:problem:")


@contextlib.contextmanager
def connected(url: str, *, receive_buffer_bytes: int | None = None) -> Iterator[socket.socket]:
    """A connection to the server at `url`, over TLS where its address says so; no wait on it is without end."""
    address = urlsplit(url)
    with socket.socket() as plain:
        plain.settimeout(BOUNDED_SECONDS)
        if receive_buffer_bytes is not None:
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer_bytes)
        plain.connect((str(address.hostname), address.port or 0))
        if address.scheme == "https":
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            with context.wrap_socket(plain) as secured:
                yield secured
        else:
            yield plain


def until_closed(connection: socket.socket) -> bytes:
    """Read until the server closes; a reset is an error, and so is silence."""
    parts = []
    while part := connection.recv(65_536):
        parts.append(part)
    return b"".join(parts)


def one_answer(connection: socket.socket) -> Answered:
    """Read one answer of known length, and leave the connection open."""
    stream = b""
    while b"\r\n\r\n" not in stream:
        stream += connection.recv(65_536)
    head, _, body = stream.partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    while len(body) < length:
        stream += (part := connection.recv(65_536))
        body += part
    (answer,) = answers_in(stream)
    return answer


def answers_in(stream: bytes) -> list[Answered]:
    """Take a stream of answers apart; fails where it does not end with the end of an answer."""
    answers = []
    while stream:
        head, separator, stream = stream.partition(b"\r\n\r\n")
        assert separator, head
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        status = int(first.split(" ")[1])
        if status == 100:
            continue
        if headers.get("transfer-encoding") == "chunked":
            body, stream = _chunks_in(stream)
        else:
            length = int(headers["content-length"])
            body, stream = stream[:length], stream[length:]
            assert len(body) == length
        answers.append(Answered(status, headers, body))
    return answers


def _chunks_in(stream: bytes) -> tuple[bytes, bytes]:
    body = b""
    while True:
        size, _, stream = stream.partition(b"\r\n")
        length = int(size, 16)
        chunk, stream = stream[:length], stream[length + 2 :]
        body += chunk
        if length == 0:
            return body, stream


def asked(url: str, *pieces: bytes) -> list[Answered]:
    """Send some bytes and read the answers until the server closes the connection."""
    with connected(url) as connection:
        for piece in pieces:
            connection.sendall(piece)
        return answers_in(until_closed(connection))


def head(method: str, path: str, **headers: object) -> bytes:
    """The head of a request; underscores in names stand for dashes."""
    lines = [f"{method} {path} HTTP/1.1", "host: localhost"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def post(path: str, body: bytes, **headers: object) -> bytes:
    """A whole request with a JSON body."""
    return head("POST", path, **{"content_type": "application/json", **headers, "content_length": len(body)}) + body
