"""Streams many houses over one connection: one thread writes, another reads, and the answers are checked at the end."""

import json
import socket
import threading
import time
from itertools import count, islice
from typing import Final

from benchmarks.clients import wire
from benchmarks.clients.checker import Checker

LINES_PER_CHUNK: Final = 64
RECEIVE_BYTES: Final = 1 << 20


def _chunks(lines: list[bytes], houses: int) -> list[bytes]:
    """Frame `houses` lines, repeated cyclically, as chunks of a body; equal chunks share one object."""
    cached: dict[int, bytes] = {}
    chunks: list[bytes] = []
    for start in range(0, houses, LINES_PER_CHUNK):
        number = min(LINES_PER_CHUNK, houses - start)
        first = start % len(lines)
        key = first if number == LINES_PER_CHUNK else -1
        if key not in cached:
            body = b"".join(lines[(first + j) % len(lines)] + b"\n" for j in range(number))
            cached[key] = f"{len(body):x}\r\n".encode() + body + b"\r\n"
        chunks.append(cached[key])
    return [*chunks, b"0\r\n\r\n"]


def _send(connection: socket.socket, chunks: list[bytes], sent_at: list[float]) -> None:
    for chunk in chunks:
        connection.sendall(chunk)
    sent_at.append(time.perf_counter())


def main() -> None:
    """Stream the houses, then print the figures."""
    parser = wire.arguments(__doc__)
    parser.add_argument("--houses", type=int, required=True)
    options = parser.parse_args()
    chunks = _chunks(options.bodies.read_bytes().splitlines(), options.houses)
    checker = Checker(options.expected, 1)
    head = f"POST {options.path} HTTP/1.1\r\nHost: 127.0.0.1:{options.port}\r\nContent-Type: application/x-ndjson\r\n"
    connection = wire.connect(options.port)
    sent_at: list[float] = []
    received: list[bytes] = []
    started = time.perf_counter()
    connection.sendall(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode())
    sender = threading.Thread(target=_send, args=(connection, chunks, sent_at), daemon=True)
    sender.start()
    first_result: float | None = None
    try:
        while part := connection.recv(RECEIVE_BYTES):
            received.append(part)
            # The response head can arrive long before the first result.
            if first_result is None and b"predictedPrice" in part:
                first_result = time.perf_counter() - started
            if part.endswith(b"0\r\n\r\n"):
                break
    except OSError as error:
        checker.count_error(repr(error))
    seconds = time.perf_counter() - started
    _check(b"".join(received), options.houses, checker)
    result = {
        "rows_per_second": round(options.houses / seconds, 1),
        "seconds": round(seconds, 3),
        "first_result_seconds": first_result,
        "sent_seconds": sent_at[0] - started if sent_at else None,
    }
    print(json.dumps(result | checker.summary()))  # noqa: T201 - the result


def _check(received: bytes, houses: int, checker: Checker) -> None:
    head, _, body = received.partition(b"\r\n\r\n")
    if head[9:12] != b"200":
        checker.count_error(received[:300].decode(errors="replace"))
        return
    try:
        lines = wire.decode_chunked(body).splitlines()
    except ValueError:
        checker.count_error("the answer is incomplete")
        return
    if len(lines) != houses:
        checker.count_error(f"{len(lines)} lines for {houses} houses")
    for number, line in zip(islice(count(), houses), lines, strict=False):
        checker.check(number, 200, line)


if __name__ == "__main__":
    main()
