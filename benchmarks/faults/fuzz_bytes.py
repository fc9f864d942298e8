"""Raw bytes that are nearly requests, many at a time: each is answered below 500, or its connection is closed."""

import asyncio
import contextlib
import json
import random
import re
import time
from collections import Counter
from collections.abc import Mapping

import uvloop

from benchmarks import houses
from benchmarks.clients import wire
from benchmarks.faults import mutations
from benchmarks.faults.testbed import Testbed, ask, one_house

SEED = 20_261_121
AT_A_TIME = 48
HANG_SECONDS = 40.0
"""The rest of a stream may be waited for 30 s, and anything else 10 s."""

SERVER_ERROR = 500
MALFORMED = frozenset({400, 408, 431})
"""What the HTTP server itself answers to what is no HTTP, or not all of it; no operation is reached."""

ELSEWHERE = MALFORMED | {404, 405}
# A target may be absolute; what stands before its path counts for nothing (RFC 9112, 3.2.2).
_REQUEST_LINE = re.compile(rb"([A-Z]+) +(?:https?://[^/ ]*)?(/[\x21-\x3e\x40-\x7e]*)")
_STATUS = re.compile(rb"(?:^|\r\n)HTTP/1\.1 ([2-9]\d\d) ")
_SHOWN_BYTES = 300


class ByteFuzzer:
    """Sends mutated requests and judges what comes back."""

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
        """Send for so long."""
        end = time.monotonic() + seconds
        await asyncio.gather(*(self._send_until(end) for _ in range(AT_A_TIME)))

    async def _send_until(self, end: float) -> None:
        while time.monotonic() < end:
            request = mutations.mutated(self._rng, self._requests)
            half_closes = self._rng.random() < 0.5  # noqa: PLR2004 - a coin
            self.sent += 1
            shown = repr(request[:_SHOWN_BYTES])
            try:
                received = await asyncio.wait_for(self._send(request, half_closes), HANG_SECONDS)
            except TimeoutError:
                self.hung.append(shown)
                continue
            self._judge(request, [int(status) for status in _STATUS.findall(received)], shown)

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
                    with contextlib.suppress(ValueError):  # without its length it ends with the connection
                        if wire.parse_answer(received) is not None:
                            break
        finally:
            writer.transport.abort()
        return bytes(received)

    def _judge(self, request: bytes, statuses: list[int], shown: str) -> None:
        match = _REQUEST_LINE.match(request)
        key = (match[1].decode(), match[2].decode()) if match else ("", "")
        if key[0] == "HEAD":
            key = ("GET", key[1])  # a GET without its body
        allowed = self._documented.get(key, frozenset()) | ELSEWHERE
        if request.count(b" HTTP/1.1") > 1:
            # Several requests in one: the answer may be to any of them.
            allowed = frozenset().union(*self._documented.values()) | ELSEWHERE
        self.statuses.update(map(str, statuses or ["closed"]))
        for status in statuses:
            if status >= SERVER_ERROR:
                self.server_errors.append(f"{status}: {shown}")
            elif status not in allowed:
                self.undocumented.append(f"{status}: {shown}")


def fuzz_bytes(testbed: Testbed) -> None:
    """Mutated requests on raw connections, 48 at a time, for 10 minutes."""
    stub = testbed.start_stub()
    orchestrator = testbed.start_orchestrator(stub.port, **testbed.short_timeouts)
    seconds = testbed.duration(testbed.minutes * 60, 2)
    documented = statuses_documented(orchestrator.port)
    fuzzer = ByteFuzzer(orchestrator.port, documented, random.Random(SEED))  # noqa: S311 - dice
    print(f"seed {SEED}")  # noqa: T201 - a random test prints its seed
    uvloop.run(fuzzer.run(seconds))
    found = testbed.findings
    found.figures |= {"seed": SEED, "sent": fuzzer.sent, "statuses": dict(fuzzer.statuses)}
    found.expect_none(f"of {fuzzer.sent:,} requests, answered 5xx", fuzzer.server_errors)
    found.expect_none("undocumented statuses", fuzzer.undocumented)
    found.expect_none(f"neither answered nor closed within {HANG_SECONDS:g} s", fuzzer.hung)
    still = ask(orchestrator.port, "POST", houses.PREDICT_PATH, one_house()).status
    found.expect("it still prices afterwards", "200", still, still == wire.OK)
    both = {"200", "422"} <= set(fuzzer.statuses)
    found.expect("some are answered, some are refused", "> 0", dict(fuzzer.statuses), both)


def statuses_documented(port: int) -> dict[tuple[str, str], frozenset[int]]:
    """Read which statuses each operation may answer with."""
    document = json.loads(ask(port, "GET", "/openapi.json").text.rpartition("\n")[2])
    documented = {
        (method.upper(), path): frozenset(map(int, operation["responses"]))
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    }
    # These stand outside of the document, which is about prices.
    return {("GET", path): frozenset({wire.OK}) for path in ("/openapi.json", "/docs", "/metrics")} | documented
