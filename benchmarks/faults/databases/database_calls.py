"""Calls of every operation that needs a database, repeated during a fault."""

import json
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from types import TracebackType
from typing import Final, Self

from benchmarks import houses

CLIENT_SECONDS: Final = 30.0
"""Time after which a call counts as not answered; the service promises much less."""

PAUSE_SECONDS: Final = 0.05
CALLERS: Final = 3
"""Callers of each operation at the same time: together more than the service has threads."""

SERVER_ERROR: Final = 500

UPLOAD: Final = "upload a file"
ORDER: Final = "order a training"
REPORT: Final = "report a sale price"

JOBS: Final = "/api/v1/jobs"
_JSON: Final = {"Content-Type": "application/json"}
_NDJSON: Final = {"Content-Type": "application/x-ndjson"}


@dataclass(frozen=True)
class Operation:
    """An operation that needs a database."""

    name: str
    """Its name in results."""
    store: str
    """The store of its data: `jobs` or `log`."""
    writes: bool
    """Whether it writes."""
    method: str
    """The HTTP method."""
    path: str
    """The path."""
    body: bytes | None = None
    """The body, if any."""
    headers: Mapping[str, str] | None = None
    """The headers."""


@dataclass(frozen=True)
class Answered:
    """The answer to one call; status 0 means none."""

    operation: Operation
    begun: float
    seconds: float
    status: int
    has_retry_after: bool

    @property
    def is_served(self) -> bool:
        """Whether the service answered, without an error of its own."""
        return 0 < self.status < SERVER_ERROR

    def __str__(self) -> str:
        """Describe the answer."""
        return f"{self.operation.name}: {self.status} in {self.seconds:.2f} s"


def rows_of_houses(count: int) -> bytes:
    """Return an NDJSON file of real houses."""
    return b"\n".join(houses.PUBLIC.body([index]) for index in range(count)) + b"\n"


def operations(job: str) -> Sequence[Operation]:
    """Return every operation that needs a database; `job` is the path of a job."""
    actuals = json.dumps({"data": [{"id": 1461, "salePrice": 200_000.0}]}).encode()
    return (
        Operation("list jobs", "jobs", False, "GET", JOBS),
        Operation("find a job", "jobs", False, "GET", job),
        Operation("result of a job", "jobs", False, "GET", f"{job}/result"),
        Operation(UPLOAD, "jobs", True, "POST", f"{JOBS}/scoring", rows_of_houses(3), _NDJSON),
        Operation(ORDER, "jobs", True, "POST", f"{JOBS}/training", b"{}", _JSON),
        Operation("search predictions", "log", False, "GET", "/api/v1/predictions?requestId=nobody"),
        Operation("find a prediction", "log", False, "GET", f"/api/v1/predictions/{'0' * 32}"),
        Operation("realised errors", "log", False, "GET", "/api/v1/price/actuals/errors"),
        Operation(REPORT, "log", True, "POST", "/api/v1/price/actuals", actuals, _JSON),
    )


def call(port: int, operation: Operation) -> Answered:
    """Send one call over a new connection."""
    begun = time.monotonic()
    connection = HTTPConnection("127.0.0.1", port, timeout=CLIENT_SECONDS)
    try:
        connection.request(operation.method, operation.path, operation.body, dict(operation.headers or {}))
        response = connection.getresponse()
        response.read()
        status, has_retry_after = response.status, response.headers["Retry-After"] is not None
    except (OSError, HTTPException):
        status, has_retry_after = 0, False
    finally:
        connection.close()
    return Answered(operation, begun, time.monotonic() - begun, status, has_retry_after)


class RepeatedCalls:
    """Repeats all operations inside the context, each by several callers."""

    def __init__(self, port: int, repeated: Sequence[Operation]) -> None:
        """Call the service at a port."""
        self._port = port
        self._stop = threading.Event()
        self.answers: list[Answered] = []
        self._threads = [
            threading.Thread(target=self._repeat, args=(operation,)) for operation in repeated for _ in range(CALLERS)
        ]

    def __enter__(self) -> Self:
        """Start the callers."""
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wait for the last answers."""
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def between(self, begin: float, end: float) -> list[Answered]:
        """Return the answers to calls that began and ended in a period."""
        return [answer for answer in self.answers if begin <= answer.begun and answer.begun + answer.seconds < end]

    def seconds_until_all_work(self, since: float) -> float | None:
        """Return the seconds from `since` until each operation was answered without a server error, or None."""
        firsts: dict[str, float] = {}
        for answer in sorted(self.answers, key=lambda each: each.begun):
            name = answer.operation.name
            ended = answer.begun + answer.seconds
            if ended >= since and name not in firsts and answer.is_served:
                firsts[name] = ended - since
        names = {answer.operation.name for answer in self.answers}
        return max(firsts.values()) if names and firsts.keys() == names else None

    def _repeat(self, operation: Operation) -> None:
        while not self._stop.is_set():
            self.answers.append(call(self._port, operation))
            self._stop.wait(PAUSE_SECONDS)
