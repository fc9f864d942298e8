"""Fuzzes raw requests: each must get a documented status below 500, or its connection must be closed."""

import asyncio
import contextlib
import json
import random
import re
import time
from collections import Counter
from collections.abc import Mapping
from typing import Final

import uvloop

from benchmarks import houses
from benchmarks.clients import wire
from benchmarks.faults import mutations
from benchmarks.faults.testbed import Testbed, one_house, send

SEED: Final = 20_261_121
CONCURRENT_CONNECTIONS: Final = 48
HANG_TIMEOUT_SECONDS: Final = 40.0
"""The orchestrator waits up to 30 s for the rest of a stream, and 10 s for anything else."""

NOT_MODIFIED: Final = 304
SERVER_ERROR: Final = 500
MALFORMED: Final = frozenset({400, 408, 431})
"""Statuses of the HTTP server for malformed or incomplete requests, which reach no operation."""

ALWAYS_ALLOWED: Final = MALFORMED | {404, 405}
# A request target can be absolute; scheme and host are ignored (RFC 9112, 3.2.2).
_REQUEST_LINE: Final = re.compile(rb"([A-Z]+) +(?:https?://[^/ ]*)?(/[\x21-\x3e\x40-\x7e]*)")
_STATUS: Final = re.compile(rb"(?:^|\r\n)HTTP/1\.1 ([2-9]\d\d) ")
_SHOWN_BYTES: Final = 300


class ByteFuzzer:
    """Sends mutated requests and checks the answers."""

    def __init__(self, port: int, documented: Mapping[tuple[str, str], frozenset[int]], rng: random.Random) -> None:
        self._port = port
        self._documented = documented
        self._rng = rng
        self._requests = mutations.corpus()
        self.sent = 0
        self.statuses: Counter[str] = Counter()
        self.server_errors: list[str] = []
        self.undocumented: list[str] = []
        self.hung: list[str] = []

    async def run(self, seconds: float) -> None:
        """Send mutated requests for the given time."""
        end = time.monotonic() + seconds
        await asyncio.gather(*(self._send_until(end) for _ in range(CONCURRENT_CONNECTIONS)))

    async def _send_until(self, end: float) -> None:
        while time.monotonic() < end:
            request = mutations.mutate(self._rng, self._requests)
            half_closes = self._rng.random() < 0.5  # noqa: PLR2004 - half of the requests
            self.sent += 1
            shown = repr(request[:_SHOWN_BYTES])
            try:
                received = await asyncio.wait_for(self._send(request, half_closes), HANG_TIMEOUT_SECONDS)
            except TimeoutError:
                self.hung.append(shown)
                continue
            self._check(request, [int(status) for status in _STATUS.findall(received)], shown)

    async def _send(self, request: bytes, half_closes: bool) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        received = bytearray()
        try:
            with contextlib.suppress(ConnectionError):
                writer.write(request)
                if half_closes:
                    writer.write_eof()
                while part := await reader.read(1 << 16):
                    received += part
                    with contextlib.suppress(ValueError):  # without a length the answer ends with the connection
                        if wire.parse_answer(received) is not None:
                            break
        finally:
            writer.transport.abort()
        return bytes(received)

    def _check(self, request: bytes, statuses: list[int], shown: str) -> None:
        match = _REQUEST_LINE.match(request)
        key = (match[1].decode(), match[2].decode()) if match else ("", "")
        if key[0] == "HEAD":
            key = ("GET", key[1])  # documented as GET
        # The origin is checked first, also of requests for which there is no operation.
        allowed = self._documented.get(key, frozenset({403})) | ALWAYS_ALLOWED
        if request.count(b" HTTP/1.1") > 1:
            # Several pipelined requests: the answer can belong to any of them.
            allowed = frozenset().union(*self._documented.values()) | ALWAYS_ALLOWED
        self.statuses.update([str(status) for status in statuses] or ["closed"])
        for status in statuses:
            if status >= SERVER_ERROR:
                self.server_errors.append(f"{status}: {shown}")
            elif status not in allowed:
                self.undocumented.append(f"{status}: {shown}")


def fuzz_bytes(testbed: Testbed) -> None:
    """Mutated requests on 48 concurrent raw connections for 10 minutes."""
    stub = testbed.start_stub()
    orchestrator = testbed.start_orchestrator(stub.port, variables=testbed.short_timeouts)
    seconds = testbed.duration(testbed.minutes * 60, 2)
    documented = statuses_documented(orchestrator.port)
    fuzzer = ByteFuzzer(orchestrator.port, documented, random.Random(SEED))  # noqa: S311 - no secret
    print(f"seed {SEED}")  # noqa: T201 - a random test prints its seed
    uvloop.run(fuzzer.run(seconds))
    findings = testbed.findings
    findings.figures |= {"seed": SEED, "sent": fuzzer.sent, "statuses": dict(fuzzer.statuses)}
    findings.expect_none(f"5xx answers (of {fuzzer.sent:,} requests)", fuzzer.server_errors)
    findings.expect_none("undocumented statuses", fuzzer.undocumented)
    findings.expect_none(f"connections neither answered nor closed within {HANG_TIMEOUT_SECONDS:g} s", fuzzer.hung)
    status = send(orchestrator.port, "POST", houses.PREDICT_PATH, one_house()).status
    findings.expect("status of a valid request afterwards", "200", status, status == wire.OK)
    has_both = {"200", "422"} <= set(fuzzer.statuses)
    findings.expect("both 200 and 422 occur", "> 0", dict(fuzzer.statuses), has_both)


def statuses_documented(port: int) -> dict[tuple[str, str], frozenset[int]]:
    """Return the documented statuses of each operation, by method and path."""
    document = json.loads(send(port, "GET", "/openapi.json").text.rpartition("\n")[2])
    documented = {
        (method.upper(), path): frozenset(map(int, operation["responses"]))
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    }
    # These operations are not in the document. A caller may have the document already.
    others = {("GET", path): frozenset({wire.OK}) for path in ("/docs", "/metrics")}
    return {("GET", "/openapi.json"): frozenset({wire.OK, NOT_MODIFIED})} | others | documented
