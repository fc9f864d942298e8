"""Real servers for the tests: a stub model server with any behaviour on the wire, and processes on free ports."""

import asyncio
import contextlib
import json
import os
import queue
import re
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import time
import zlib
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import uvicorn
from fastapi import FastAPI

from housing_price_orchestrator.interface.documents.limits import ConnectionLimits
from housing_price_orchestrator.interface.services import SERVICES, Services
from housing_price_orchestrator.provider.model_server.columns import row_of
from housing_price_orchestrator.server.listening import ListeningConfig
from housing_price_orchestrator.service.resilience.coalescing import CoalescingModel
from housing_price_orchestrator.shared.ports import PriceEstimate
from housing_price_orchestrator.shared.view.example import EXAMPLE_HOUSE
from housing_price_orchestrator.shared.view.record import AnyHouse
from housing_price_survey.columns import COLUMNS

SECONDS_FOR_A_START = 90
SECONDS_FOR_AN_END = 20

NOT_INHERITED = ("ORCHESTRATOR_", "PYTHONDONTWRITEBYTECODE")
"""Beginnings of variables that a program under test does not get: settings, and what makes each start compile anew."""

SECRET = "UPSTREAM-SECRET"  # noqa: S105 - not a secret: what the stub says and no caller may ever read


@dataclass(frozen=True)
class Call:
    """A request that the stub got."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def rows(self) -> list[list[Any]]:
        return list(json.loads(self.body)["dataframe_split"]["data"])

    @property
    def columns(self) -> list[str]:
        return list(json.loads(self.body)["dataframe_split"]["columns"])

    @property
    def params(self) -> dict[str, Any]:
        return dict(json.loads(self.body).get("params", {}))


type Behaviour = Callable[[Call, asyncio.StreamWriter], Awaitable[None]]


def prediction_for(row: Sequence[Any]) -> dict[str, Any]:
    """A made-up price that depends on every value of the row and on nothing else."""
    price = 100_000 + zlib.crc32(json.dumps(row).encode()) % 10_000_000 / 100
    return {"price": price, "low": price * 0.8, "high": price * 1.25, "model_id": "stub-1"}


def comparables_for(row: Sequence[Any], *, k: int = 6, known: Sequence[str] = ()) -> dict[str, Any]:
    """Made-up sales that depend on the question and on nothing else; numbers are written as a model writes doubles."""
    seed = zlib.crc32(json.dumps([row, *known]).encode())
    example = [float(value) if type(value) is int else value for value in row_of(EXAMPLE_HOUSE)]
    sales = []
    for rank in range(k):
        number = 1 + (seed + rank) % 2_930
        features = [*example]
        features[COLUMNS.index("LotArea")] = 5_000.0 + number
        sales.append(
            {
                "id": number,
                "pid": f"{number:010}",
                "price": 100_000.0 + seed % 50_000 + 1_000 * rank,
                "year": 2010,
                "month": 6,
                "condition": "Normal",
                "distance": 0.25 * rank + seed % 7,
                "features": features,
            }
        )
    blend = {"weight": 0.5, "distance_offset": 0.3, "interval_scale": 0.9, "interval_spread": 0.5}
    return {"sales": sales, "blend": blend, "model_id": "stub-comparables-1"}


def says(
    status: int = 200,
    body: bytes = b"",
    *,
    content_type: str = "application/json",
    headers: Mapping[str, str] | None = None,
) -> Behaviour:
    """Answer every call alike."""

    async def behave(_call: Call, writer: asyncio.StreamWriter) -> None:
        writer.write(_head(status, len(body), content_type, headers) + body)
        await writer.drain()

    return behave


def predicts(make: Callable[[list[dict[str, Any]]], Any] | None = None, **headers: str) -> Behaviour:
    """Answer with good predictions, or with what `make` turns them into: a whole document, not always valid JSON."""

    return _answers(lambda call: [prediction_for(row) for row in call.rows], make, headers)


def finds(make: Callable[[list[dict[str, Any]]], Any] | None = None, **headers: str) -> Behaviour:
    """Answer like a comparables server, with good sales or with what `make` turns them into."""
    return _answers(lambda call: [comparables_for(row, **call.params) for row in call.rows], make, headers)


def _answers(
    predict: Callable[[Call], list[dict[str, Any]]],
    make: Callable[[list[dict[str, Any]]], Any] | None,
    headers: Mapping[str, str],
) -> Behaviour:
    async def behave(call: Call, writer: asyncio.StreamWriter) -> None:
        predictions = predict(call)
        document = {"predictions": predictions} if make is None else make(predictions)
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        writer.write(_head(200, len(body), "application/json", named) + body)
        await writer.drain()

    return behave


def each_sale(**changes: Any) -> Behaviour:
    """Answer with sales in which some members have another value."""
    return finds(
        lambda made: {"predictions": [{**one, "sales": [{**sale, **changes} for sale in one["sales"]]} for one in made]}
    )


def slowly(seconds: float, behaviour: Behaviour) -> Behaviour:
    """Behave after a delay of `seconds`."""

    async def behave(call: Call, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(seconds)
        await behaviour(call, writer)

    return behave


def each(**changes: Any) -> Behaviour:
    """Answer with predictions in which some members have another value."""
    return predicts(lambda made: {"predictions": [{**one, **changes} for one in made]})


async def hangs(_call: Call, _writer: asyncio.StreamWriter) -> None:
    """Read the call and never answer."""
    await asyncio.Event().wait()


async def hangs_in_the_body(_call: Call, writer: asyncio.StreamWriter) -> None:
    """Begin to answer and never come to an end."""
    writer.write(_head(200, 1_000, "application/json", None) + b'{"predictions": [')
    await writer.drain()
    await asyncio.Event().wait()


async def trickles(_call: Call, writer: asyncio.StreamWriter) -> None:
    """Answer one byte at a time, so that something always comes and it never ends."""
    writer.write(_head(200, 1_000_000, "application/json", None))
    while True:
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.01)


async def resets_before_it_answers(_call: Call, writer: asyncio.StreamWriter) -> None:
    reset(writer)


async def closes_before_it_answers(_call: Call, writer: asyncio.StreamWriter) -> None:
    writer.close()


async def resets_in_the_body(_call: Call, writer: asyncio.StreamWriter) -> None:
    writer.write(_head(200, 1_000, "application/json", None) + b'{"predictions": [')
    await writer.drain()
    reset(writer)


async def closes_in_the_body(_call: Call, writer: asyncio.StreamWriter) -> None:
    writer.write(_head(200, 1_000, "application/json", None) + b'{"predictions": [')
    await writer.drain()
    writer.close()


async def speaks_no_http(_call: Call, writer: asyncio.StreamWriter) -> None:
    writer.write(f"220 {SECRET} ESMTP ready\r\n".encode())
    await writer.drain()
    writer.close()


async def answers_without_end(_call: Call, writer: asyncio.StreamWriter) -> None:
    """Answer with far more than anybody should read."""
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n")
    with contextlib.suppress(OSError):
        while True:
            writer.write(b" " * 1024 * 1024)
            await writer.drain()


def reset(writer: asyncio.StreamWriter) -> None:
    """End a connection with RST instead of FIN."""
    raw = writer.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def _head(status: int, length: int, content_type: str, headers: Mapping[str, str] | None) -> bytes:
    lines = [f"HTTP/1.1 {status} {SECRET}", f"content-length: {length}", f"content-type: {content_type}"]
    lines += [f"{name}: {value}" for name, value in {"x-upstream": SECRET, **(headers or {})}.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


class StubModelServer:
    """Speaks HTTP over a real socket, from a thread of its own, and behaves as the test says."""

    def __init__(self, behaviour: Behaviour | None = None) -> None:
        self.behaviour: Behaviour = behaviour or predicts()
        self.calls: list[Call] = []
        """The calls for predictions."""
        self.ranges: dict[str, Any] | None = None
        """The ranges of the model, published by `GET /ranges`; None as for MLServer, which has no such document."""
        self.range_calls: list[Call] = []
        self.port = 0
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="stub model server")
        self._thread.start()
        self.comes_back()
        return self

    def __exit__(self, *_: object) -> None:
        self.goes_away()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(SECONDS_FOR_AN_END)
        self._loop.close()

    def comes_back(self) -> None:
        asyncio.run_coroutine_threadsafe(self._open(), self._loop).result(SECONDS_FOR_AN_END)

    def goes_away(self) -> None:
        """Close the port and every connection."""
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(SECONDS_FOR_AN_END)

    async def _open(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        # Accept no more connections. asyncio needs one turn of the loop to register the last accepted one.
        for listener in self._server.sockets:
            self._loop.remove_reader(listener.fileno())
        await asyncio.sleep(0)
        self._server.close()
        # Unsent answers would keep a connection open for ever.
        self._server.abort_clients()
        for task in self._tasks:
            task.cancel()
        await self._server.wait_closed()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            while not writer.is_closing():
                call = await _read_call(reader)
                if call.path.endswith("/ranges"):
                    self.range_calls.append(call)
                    body = json.dumps(self.ranges).encode()
                    await says(404 if self.ranges is None else 200, body)(call, writer)
                    continue
                self.calls.append(call)
                await self.behaviour(call, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the caller left, or the test is over
        finally:
            self._tasks.discard(task)
            writer.close()


async def _read_call(reader: asyncio.StreamReader) -> Call:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.strip().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    method, path, _ = first.split(" ", 2)
    return Call(method, path, headers, body)


@contextlib.contextmanager
def reserved_port() -> Iterator[int]:
    """A port that refuses connections until a server of the test listens on it; nobody else is given it meanwhile."""
    with socket.socket() as held:
        # A server that sets the same option may listen there although the port is bound here.
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


def coalescing_of(app: FastAPI) -> CoalescingModel[AnyHouse, PriceEstimate]:
    """The coalescing in front of the champion, which counts its calls and the requests that wait for one."""
    services: Services = app.state.server.lifespan.state[SERVICES]
    upstream = services.routing._upstream  # type: ignore[attr-defined]  # behind a port
    model: CoalescingModel[AnyHouse, PriceEstimate] = upstream.coalescing
    return model


@contextlib.contextmanager
def served(app: FastAPI, limits: ConnectionLimits | None = None) -> Iterator[str]:
    """Serve an application as the shipped program does, in a thread; gives its address."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        # From here on the system takes connections, so nobody has to wait until uvicorn is ready.
        listener.listen(128)
        server = uvicorn.Server(ListeningConfig(app, limits=limits))
        # For `coalescing_of`.
        app.state.server = server
        thread = threading.Thread(target=server.run, args=([listener],), name="uvicorn")
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(SECONDS_FOR_AN_END)
            assert not thread.is_alive(), "uvicorn did not end"


class Process:
    """A program under test; its output is read as it comes."""

    def __init__(self, *command: str, **variables: str) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="process-", ignore_cleanup_errors=True)
        ours = {
            "ORCHESTRATOR_PREDICTION_LOG__URL": f"sqlite:///{self._folder.name}/predictions.db",
            # No proxy has to notice that it ends.
            "ORCHESTRATOR_SERVER__STOP_NOTICE_SECONDS": "0",
        }
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(NOT_INHERITED)}
        self._process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            env={**inherited, "PYTHONUNBUFFERED": "1", **ours, **variables},
            # A group of its own, so that grandchildren can be ended as well.
            start_new_session=True,
        )
        self.lines: list[str] = []
        self._coming: queue.Queue[str | None] = queue.Queue()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        self._reader.join(SECONDS_FOR_AN_END)
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._folder.cleanup()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def output(self) -> str:
        return "".join(self.lines)

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.lines.append(line)
            self._coming.put(line)
        self._coming.put(None)

    def says(self, pattern: str, seconds: float = SECONDS_FOR_A_START) -> re.Match[str]:
        """Wait for a line that matches; it is an error if the program ends or the time is over before."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                line = self._coming.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise TimeoutError(f"no line with {pattern!r} in {seconds} s:\n{self.output}") from None
            if line is None:
                raise RuntimeError(f"it ended without a line with {pattern!r}:\n{self.output}")
            if match := re.search(pattern, line):
                return match

    def says_again(self, pattern: str) -> re.Match[str]:
        """Find a line that has come before."""
        return next(match for line in self.lines if (match := re.search(pattern, line)))

    def send(self, which: signal.Signals) -> None:
        self._process.send_signal(which)

    def stop(self, which: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to end; gives its exit status."""
        self.send(which)
        return self.wait()

    def wait(self) -> int:
        """Wait until it has ended and all that it wrote was read; gives its exit status."""
        status = self._process.wait(SECONDS_FOR_AN_END)
        self._reader.join(SECONDS_FOR_AN_END)
        return status

    def kill(self) -> None:
        """End it and its children at once, whatever they are doing."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(SECONDS_FOR_AN_END)


LISTENS = r"Uvicorn running on (https?://[0-9.]+:[0-9]+)"
"""The line with which uvicorn tells its address."""
