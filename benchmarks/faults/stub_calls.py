"""What the model server that misbehaves is asked, and its right answers."""

import asyncio
import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

SECRET: Final = "UPSTREAM-SECRET"  # noqa: S105 - not a secret: what no caller may ever read
MODEL_ID: Final = "misbehaving"
PREDICTIONS: Final = "/invocations"


def price_of(row: Sequence[Any]) -> tuple[float, float, float]:
    """A made-up price, low and high, that depend on every value of the row and on nothing else."""
    values = [float(value) if isinstance(value, int | float) else value for value in row]
    price = 100_000 + zlib.crc32(json.dumps(values).encode()) % 10_000_000 / 100
    return price, price * 0.8, price * 1.25


@dataclass
class Call:
    """One call.

    Attributes:
        at: When it was there, on the clock that all processes share.
        path: What was asked for.
        caller: The caller's id for it.
        prices: The price of each of its rows, by which a row is known again.
        answered: When its answer was written.
        left: When the caller went away before that.
    """

    at: float
    method: str
    path: str
    caller: str
    body: bytes
    prices: list[float] = field(default_factory=list)
    answered: float | None = None
    left: float | None = None

    def predictions(self) -> list[dict[str, Any]]:
        """Price its rows."""
        priced = [price_of(row) for row in json.loads(self.body)["dataframe_split"]["data"]]
        self.prices = [price for price, _, _ in priced]
        return [{"price": price, "low": low, "high": high, "model_id": MODEL_ID} for price, low, high in priced]

    def as_json(self) -> dict[str, Any]:
        """What is told of it."""
        return {name: getattr(self, name) for name in ("at", "caller", "prices", "answered", "left")}


async def read_call(reader: asyncio.StreamReader, clock: Any) -> Call:
    """Read one call from a connection."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.strip().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    method, path, *_ = first.split(" ")
    return Call(clock(), method, path, headers.get("x-request-id", ""), body)


def written(status: int, body: bytes, content_type: str = "application/json", headers: str = "") -> bytes:
    """Write an answer; what stands beside the body is nothing for callers either."""
    head = f"HTTP/1.1 {status} {SECRET}\r\nContent-Type: {content_type}\r\nX-Upstream: {SECRET}\r\n{headers}"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
