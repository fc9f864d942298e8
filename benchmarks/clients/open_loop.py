"""Open-loop load: sends requests on schedule whether or not answers arrive; latency counts from the scheduled time.

A closed-loop client sends less while the server is slow and misses most of the waiting time ("coordinated omission",
Gil Tene). This client opens another connection when all are busy.
"""

import asyncio
import json
import time
from typing import Final

import uvloop

from benchmarks.clients import wire
from benchmarks.clients.checker import Checker, quantiles_ms

MAX_CONNECTIONS: Final = 2_000
INITIAL_CONNECTIONS: Final = 64
DRAIN_TIMEOUT_SECONDS: Final = 30.0


class _Connection(asyncio.Protocol):
    """One connection with at most one request in flight."""

    def __init__(self, load: "OpenLoop") -> None:
        self._load = load
        self._received = bytearray()
        self.number = -1

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]  # TCP gives a Transport
        self._load.idle.append(self)

    def send(self, number: int, request: bytes) -> None:
        self.number = number
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._received += data
        answer = wire.parse_answer(self._received)
        if answer is not None:
            number, self.number = self.number, -1
            self._received.clear()
            self._load.idle.append(self)
            self._load.record_answer(number, *answer)

    def connection_lost(self, error: Exception | None) -> None:
        if self.number >= 0:
            self._load.record_loss(error)
        elif self in self._load.idle:
            self._load.idle.remove(self)


class OpenLoop:
    """Sends requests on schedule; checks the answers after the last one."""

    def __init__(self, target: wire.Target, checker: Checker, rate: float, total: int) -> None:
        self._target = target
        self._checker = checker
        self._rate = rate
        self._total = total
        self._opened = 0
        self._unanswered = total
        self._done = asyncio.Event()
        self.idle: list[_Connection] = []
        self.latencies: list[float] = []
        self.send_delays: list[float] = []
        self.answers: list[tuple[int, int, bytes]] = []

    async def run(self) -> None:
        """Send all requests and wait for the last answer."""
        await asyncio.gather(*(self._open() for _ in range(INITIAL_CONNECTIONS)))
        self._started = time.perf_counter() + 0.05
        for number in range(self._total):
            due = self._started + number / self._rate
            # Sleep even if late, so that the event loop reads answers.
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            if not self.idle:
                if self._opened >= MAX_CONNECTIONS:
                    self.record_loss(RuntimeError(f"{MAX_CONNECTIONS} requests are in flight"))
                    continue
                await self._open()
            self.send_delays.append(time.perf_counter() - due)
            self.idle.pop().send(number, self._target.requests[number % len(self._target.requests)])
        try:
            await asyncio.wait_for(self._done.wait(), DRAIN_TIMEOUT_SECONDS)
        except TimeoutError:
            self._checker.count_error(f"{self._unanswered} requests without an answer")
        for number, status, body in self.answers:
            self._checker.check(number % len(self._target.requests), status, body)

    async def _open(self) -> None:
        self._opened += 1
        await asyncio.get_running_loop().create_connection(lambda: _Connection(self), "127.0.0.1", self._target.port)

    def record_answer(self, number: int, status: int, body: bytes) -> None:
        """Record an answer and its latency."""
        self.latencies.append(time.perf_counter() - (self._started + number / self._rate))
        self.answers.append((number, status, body))
        self._finish_one()

    def record_loss(self, error: Exception | None) -> None:
        """Count a request that gets no answer."""
        self._checker.count_error(repr(error))
        self._finish_one()

    def _finish_one(self) -> None:
        self._unanswered -= 1
        if not self._unanswered:
            self._done.set()


def main() -> None:
    """Send at the given rate for the given time, then print the figures."""
    parser = wire.arguments(__doc__)
    parser.add_argument("--rate", type=float, required=True, help="requests per second")
    parser.add_argument("--seconds", type=float, required=True)
    options = parser.parse_args()
    target = wire.target(options)
    checker = Checker(options.expected, options.rows)

    async def run() -> OpenLoop:
        load = OpenLoop(target, checker, options.rate, max(1, int(options.rate * options.seconds)))
        await load.run()
        return load

    load = uvloop.run(run())
    sent_late_ms = quantiles_ms(load.send_delays).get("p99_ms")
    result = {"requests": len(load.latencies), "rate": options.rate, "sent_late_p99_ms": sent_late_ms}
    print(json.dumps(result | quantiles_ms(load.latencies) | checker.summary()))  # noqa: T201 - the result


if __name__ == "__main__":
    main()
