"""Clients that never finish what they began, 500 of them, beside good traffic."""

import contextlib
import socket
import time
from pathlib import Path

from benchmarks import houses
from benchmarks.faults.testbed import Testbed, one_house

RATE = 200.0
SOCKETS = 500
CLOSED_SECONDS = 10.0
LOOK_SECONDS = 0.05
OPENING_SECONDS = 4.0
"""Not all at once: the kernel takes megabytes of what nobody reads, and to copy those is work for any server."""

SLOWER = 2.0
SMALL_BUFFER_BYTES = 4_096

_HEAD = f"POST {houses.PREDICT_PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"


def slow_sockets(testbed: Testbed) -> None:
    """500 sockets: idle, with half a head, with half a body, and with answers that nobody reads, beside 200/s."""
    _, orchestrator = testbed.start_orchestrator_and_model_server(**testbed.short_timeouts)
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
        beside = load.finish()
    found = testbed.findings
    found.figures |= {"before": before.summary, "beside": beside.summary, "seconds_open": lasted}
    found.expect_none("good requests without a price", beside.failed)
    found.expect_none("wrong prices", beside.wrong)
    found.expect_at_most("p99 of good traffic", beside.p99_ms, SLOWER * (before.p99_ms or 0.0), "ms")
    for kind, seconds_open in lasted.items():
        found.expect_at_most(f"{kind}: closed after", seconds_open, CLOSED_SECONDS, "s")
        found.expect(f"{kind}: all are closed", "yes", seconds_open or "never", seconds_open is not None)


def _half_a_body() -> bytes:
    body = one_house()
    return f"{_HEAD}Content-Length: {len(body)}\r\n\r\n".encode() + body[: len(body) // 2]


# Megabytes, far more than the buffers of a connection hold, and no work for anybody: a script of the documentation.
_LARGE = "/docs/assets/redoc.standalone.js"
_UNREAD = f"GET {_LARGE} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode() * 8

_SENT = {"idle": b"", "half a head": _HEAD.encode()[:60], "half a body": _half_a_body(), "reads nothing": _UNREAD}
"""By what each kind of socket is called: what it sends before it falls silent."""


def _open(stack: contextlib.ExitStack, port: int, count: int, seconds: float) -> dict[str, dict[int, float]]:
    """Open sockets of each kind, in turns; gives for each kind the ports, and when each fell silent."""
    opened: dict[str, dict[int, float]] = {kind: {} for kind in _SENT}
    for kind, sent in list(_SENT.items()) * (count // len(_SENT)):
        one = stack.enter_context(socket.socket())
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER_BYTES)
        one.connect(("127.0.0.1", port))
        one.sendall(sent)
        opened[kind][one.getsockname()[1]] = time.monotonic()
        time.sleep(seconds / count)
    return opened


def _seconds_open(port: int, opened: dict[str, dict[int, float]]) -> dict[str, float | None]:
    """Tell for each kind how long the last of them was held by the server; None where one still is in the end."""
    longest: dict[str, float | None] = dict.fromkeys(opened, 0.0)
    left = {ours: (kind, since) for kind, ones in opened.items() for ours, since in ones.items()}
    taken: set[int] = set()
    deadline = time.monotonic() + 2 * CLOSED_SECONDS
    while left and time.monotonic() < deadline:
        time.sleep(LOOK_SECONDS)
        now, held = time.monotonic(), _held(port)
        # One that was never held is waiting to be taken, and not closed.
        taken |= held
        for ours in [ours for ours in left if ours in taken and ours not in held]:
            kind, since = left.pop(ours)
            longest[kind] = max(longest[kind] or 0.0, now - since)
    return longest | {kind: None for kind, _ in left.values()}


def _held(port: int) -> set[int]:
    """The ports of those whom a server's process still holds a connection with, as the kernel lists them."""
    held = set()
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        # A connection that its process has closed has no inode any more.
        if int(fields[1].rpartition(":")[2], 16) == port and fields[9] != "0":
            held.add(int(fields[2].rpartition(":")[2], 16))
    return held
