"""Open-loop load during faults: records when each request was due, when it ended, and how it ended.

As in `open_loop`, latency counts from the scheduled time, and another connection is opened when all are busy. Failed
requests are recorded, not treated as errors of the measurement. Prints the start of the schedule (`time.monotonic()`,
which all processes of a machine share) and writes the records to a file. SIGTERM ends the schedule.
"""

import argparse
import asyncio
import json
import re
import signal
import sys
import time
from pathlib import Path
from typing import Any, Final

import uvloop

from benchmarks.clients import wire
from benchmarks.clients.verdicts import Judge, PriceJudge, ValuationJudge

REFUSED, DISCONNECTED, NO_ANSWER = 0, -1, -2
"""In place of a status: connection refused; connection closed before the end of the answer; no answer."""

INITIAL_CONNECTIONS: Final = 16
MAX_CONNECTIONS: Final = 10_000
START_DELAY_SECONDS: Final = 0.3
MAX_IDLE_SECONDS: Final = 3.0
"""Maximum idle time before reuse: a server may close an idle connection while a request is sent (RFC 9112, 9.5)."""

COLUMNS: Final = ("due", "sent", "ended", "status", "retry_after", "problem", "verdict", "model")
SENT, ENDED, STATUS, RETRY_AFTER, PROBLEM, VERDICT, MODEL = range(1, len(COLUMNS))
"""Positions of the columns of a record that are filled in later."""

_RETRY_AFTER: Final = re.compile(rb"\r\nretry-after: *(\d+)", re.IGNORECASE)
_CONNECTION_CLOSE: Final = re.compile(rb"\r\nconnection: *close", re.IGNORECASE)
_PROBLEM: Final = re.compile(rb'"urn:housing-price:problem:([a-z-]+)"')

type Row = list[Any]


class _Connection(asyncio.Protocol):
    """One connection with at most one request in flight."""

    def __init__(self, load: "TimedLoad") -> None:
        self._load = load
        self._received = bytearray()
        self._row: Row | None = None
        self._number = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]  # TCP gives a Transport

    def send(self, number: int, row: Row, request: bytes) -> None:
        self._number, self._row = number, row
        row[SENT] = time.monotonic()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._received += data
        answer = wire.parse_answer(self._received)
        if answer is None or self._row is None:
            return
        head = bytes(self._received[: self._received.find(b"\r\n\r\n") + 2])
        self._received.clear()
        row, self._row = self._row, None
        self._load.record_answer(self._number, row, head, *answer)
        if _CONNECTION_CLOSE.search(head):
            self._transport.close()
        else:
            self._load.idle[self] = time.monotonic()

    def close(self) -> None:
        self._transport.close()

    def connection_lost(self, _error: Exception | None) -> None:
        self._load.connections -= 1
        self._load.idle.pop(self, None)
        if self._row is not None:
            row, self._row = self._row, None
            self._load.record_end(row, DISCONNECTED)


class TimedLoad:
    """Sends requests on schedule, even while earlier ones fail or wait for an answer."""

    def __init__(self, target: wire.Target, judge: Judge, rate: float, total: int) -> None:
        self._target = target
        self._judge = judge
        self._rate = rate
        self._total = total
        self._waiting = 0
        self._opening: set[asyncio.Task[None]] = set()
        self._all_answered = asyncio.Event()
        self._all_sent = False
        self.connections = 0
        self.idle: dict[_Connection, float] = {}
        self.rows: list[Row] = []

    async def run(self, drain_seconds: float) -> None:
        """Send all requests and wait for the remaining answers."""
        for connection in await asyncio.gather(*(self._open() for _ in range(INITIAL_CONNECTIONS))):
            self.idle[connection] = time.monotonic()
        started = time.monotonic() + START_DELAY_SECONDS
        print(started, flush=True)  # noqa: T201 - the harness reads this line
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, self._stop_sending)
        number = -1
        while (number := number + 1) < self._total:
            due = started + number / self._rate
            # If late, send without waiting, but let the event loop read answers every 16 requests.
            if (wait_seconds := due - time.monotonic()) > 0 or not number % 16:
                await asyncio.sleep(max(0.0, wait_seconds))
            self._send(number, [due, None, None, NO_ANSWER, None, None, None, None])
        self._all_sent = True
        if self._waiting:
            try:
                await asyncio.wait_for(self._all_answered.wait(), drain_seconds)
            except TimeoutError:
                return  # unanswered requests keep NO_ANSWER

    def _stop_sending(self) -> None:
        self._total = 0

    def _send(self, number: int, row: Row) -> None:
        self.rows.append(row)
        self._waiting += 1
        request = self._target.requests[number % len(self._target.requests)]
        if (connection := self._idle_connection()) is not None:
            connection.send(number, row, request)
        else:
            task = asyncio.create_task(self._open_and_send(number, row, request))
            self._opening.add(task)
            task.add_done_callback(self._opening.discard)

    def _idle_connection(self) -> _Connection | None:
        """Return the last used idle connection; if it was idle too long, close all idle ones and return None."""
        if not self.idle:
            return None
        connection, idle_since = self.idle.popitem()
        if time.monotonic() - idle_since <= MAX_IDLE_SECONDS:
            return connection
        for stale in (connection, *self.idle):
            stale.close()
        self.idle.clear()
        return None

    async def _open_and_send(self, number: int, row: Row, request: bytes) -> None:
        try:
            connection = await self._open()
        except OSError:
            self.record_end(row, REFUSED)
        else:
            connection.send(number, row, request)

    async def _open(self) -> _Connection:
        if self.connections >= MAX_CONNECTIONS:
            raise OSError(f"{MAX_CONNECTIONS} connections are open")
        loop = asyncio.get_running_loop()
        self.connections += 1
        try:
            _, connection = await loop.create_connection(lambda: _Connection(self), "127.0.0.1", self._target.port)
        except OSError:
            self.connections -= 1
            raise
        return connection

    def record_answer(self, number: int, row: Row, head: bytes, status: int, body: bytes) -> None:
        """Record an answer; the time is taken before the price is checked."""
        self.record_end(row, status)
        retry_after, problem = _RETRY_AFTER.search(head), _PROBLEM.search(body)
        row[RETRY_AFTER] = int(retry_after[1]) if retry_after else None
        row[PROBLEM] = problem[1].decode() if problem else None
        if status == wire.OK:
            row[VERDICT], row[MODEL] = self._judge.judge(number % len(self._target.requests), body)

    def record_end(self, row: Row, status: int) -> None:
        """Record how a request ended."""
        row[ENDED], row[STATUS] = time.monotonic(), status
        self._waiting -= 1
        if self._all_sent and not self._waiting:
            self._all_answered.set()


def main() -> None:
    """Send at the given rate for the given time, then write the records."""
    parser = argparse.ArgumentParser(description=__doc__)
    wire.add_target(parser)
    parser.add_argument(
        "--expected", action="append", required=True, help="MODEL_ID=FILE with reference prices, once per model"
    )
    parser.add_argument("--valuations", type=Path, help="reference valuations; the answers are valuations, not prices")
    parser.add_argument("--rate", type=float, required=True, help="requests per second")
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--drain-seconds", type=float, required=True, help="maximum wait for the last answers")
    parser.add_argument("--write", type=Path, required=True, help="output file of the records")
    options = parser.parse_args()
    expected = {name: Path(path) for name, _, path in (option.partition("=") for option in options.expected)}
    judge: Judge = ValuationJudge(options.valuations) if options.valuations else PriceJudge(expected, options.rows)
    target = wire.target(options)

    async def run() -> list[Row]:
        load = TimedLoad(target, judge, options.rate, max(1, int(options.rate * options.seconds)))
        await load.run(options.drain_seconds)
        return load.rows

    rows = uvloop.run(run())
    options.write.write_text(json.dumps({"columns": COLUMNS, "rows": rows, "first_wrong": judge.first_wrong}))
    sys.exit(0)


if __name__ == "__main__":
    main()
