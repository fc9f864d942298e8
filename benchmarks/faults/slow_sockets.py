"""500 clients that never complete their requests, during normal traffic."""

import contextlib
import socket
import time
from pathlib import Path
from typing import Final

from benchmarks import houses
from benchmarks.faults.testbed import Testbed, one_house

RATE: Final = 200.0
SOCKETS: Final = 500
MAX_OPEN_SECONDS: Final = 10.0
POLL_SECONDS: Final = 0.05
OPENING_SECONDS: Final = 4.0
"""Opened gradually, because the kernel buffers megabytes of unread answers and copying them costs CPU time."""

MAX_SLOWDOWN: Final = 2.0
SMALL_BUFFER_BYTES: Final = 4_096

_HEAD: Final = f"POST {houses.PREDICT_PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"


def slow_sockets(testbed: Testbed) -> None:
    """500 sockets that are idle, send half a head or half a body, or do not read, during 200/s."""
    _, orchestrator = testbed.start_orchestrator_and_model_server(testbed.short_timeouts)
    expected = testbed.expected
    testbed.warm_up(orchestrator, expected)
    seconds = testbed.duration(18, 0.5)
    with testbed.start_load(orchestrator, expected, rate=RATE, seconds=seconds, name="before") as load:
        before = load.finish()
    count = 40 if testbed.is_quick else SOCKETS
    with (
        contextlib.ExitStack() as stack,
        testbed.start_load(orchestrator, expected, rate=RATE, seconds=testbed.duration(18, 2), name="beside") as load,
    ):
        opened = _open(stack, orchestrator.port, count, testbed.duration(OPENING_SECONDS, 0.2))
        lasted = _seconds_open(orchestrator.port, opened)
        during = load.finish()
    findings = testbed.findings
    findings.figures |= {"before": before.summary, "beside": during.summary, "seconds_open": lasted}
    findings.expect_none("normal requests without a price", during.failed)
    findings.expect_none("wrong prices", during.wrong)
    findings.expect_at_most("p99 of normal traffic", during.p99_ms, MAX_SLOWDOWN * (before.p99_ms or 0.0), "ms")
    for kind, seconds_open in lasted.items():
        findings.expect_at_most(f"{kind}: time until closed", seconds_open, MAX_OPEN_SECONDS, "s")
        findings.expect(f"{kind}: all closed", "yes", seconds_open or "never", seconds_open is not None)


def _half_a_body() -> bytes:
    body = one_house()
    return f"{_HEAD}Content-Length: {len(body)}\r\n\r\n".encode() + body[: len(body) // 2]


# A static file of megabytes: larger than the buffers of a connection, and cheap to serve.
_LARGE: Final = "/docs/assets/redoc.standalone.js"
_UNREAD: Final = f"GET {_LARGE} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode() * 8

_SENT: Final = {
    "idle": b"",
    "half a head": _HEAD.encode()[:60],
    "half a body": _half_a_body(),
    "reads nothing": _UNREAD,
}
"""The bytes that each kind of socket sends before it stops."""


def _open(stack: contextlib.ExitStack, port: int, count: int, seconds: float) -> dict[str, dict[int, float]]:
    """Open sockets of each kind in turns; returns by kind and local port when each socket stopped sending."""
    opened: dict[str, dict[int, float]] = {kind: {} for kind in _SENT}
    for kind, sent in list(_SENT.items()) * (count // len(_SENT)):
        client = stack.enter_context(socket.socket())
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER_BYTES)
        client.connect(("127.0.0.1", port))
        client.sendall(sent)
        opened[kind][client.getsockname()[1]] = time.monotonic()
        time.sleep(seconds / count)
    return opened


def _seconds_open(port: int, opened: dict[str, dict[int, float]]) -> dict[str, float | None]:
    """Return for each kind the longest time until the server closed a socket; None if one is still open at the end."""
    longest: dict[str, float | None] = dict.fromkeys(opened, 0.0)
    still_open = {client_port: (kind, since) for kind, ports in opened.items() for client_port, since in ports.items()}
    accepted: set[int] = set()
    deadline = time.monotonic() + 2 * MAX_OPEN_SECONDS
    while still_open and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
        now, held = time.monotonic(), _held_ports(port)
        # A socket that was never held is still in the accept queue, not closed.
        accepted |= held
        for client_port in [
            client_port for client_port in still_open if client_port in accepted and client_port not in held
        ]:
            kind, since = still_open.pop(client_port)
            longest[kind] = max(longest[kind] or 0.0, now - since)
    return longest | {kind: None for kind, _ in still_open.values()}


def _held_ports(port: int) -> set[int]:
    """Return the client ports of the connections that the server process still holds, according to the kernel."""
    held = set()
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        # A connection closed by its process has no inode.
        if int(fields[1].rpartition(":")[2], 16) == port and fields[9] != "0":
            held.add(int(fields[2].rpartition(":")[2], 16))
    return held
