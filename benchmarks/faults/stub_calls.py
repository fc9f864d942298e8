"""Calls to the misbehaving model server, and its correct answers."""

import asyncio
import json
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

SECRET: Final = "UPSTREAM-SECRET"  # noqa: S105 - marks text that must not reach callers
MODEL_ID: Final = "misbehaving"
PREDICTIONS: Final = "/invocations"


def price_of(row: Sequence[Any]) -> tuple[float, float, float]:
    """Return price, low and high computed from a checksum of all values of the row."""
    values = [float(value) if isinstance(value, int | float) else value for value in row]
    price = 100_000 + zlib.crc32(json.dumps(values).encode()) % 10_000_000 / 100
    return price, price * 0.8, price * 1.25


def price_predictions(document: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what the price model predicts for a call."""
    priced = [price_of(row) for row in document["dataframe_split"]["data"]]
    return [{"price": price, "low": low, "high": high, "model_id": MODEL_ID} for price, low, high in priced]


type Predict = Callable[[dict[str, Any]], list[dict[str, Any]]]
"""Computes one prediction per row of a call's document."""


@dataclass
class Call:
    """One call to the stub."""

    received_at: float
    """When it was received, by `time.monotonic()`, which all processes share."""
    method: str
    path: str
    """The requested path."""
    caller: str
    """The value of `X-Request-ID`."""
    body: bytes
    predict: Predict = price_predictions
    """Computes the correct predictions."""
    prices: list[float] = field(default_factory=list)
    """The price of each row, which identifies the row; empty for other predictions."""
    answered_at: float | None = None
    """When its answer was written."""
    cancelled_at: float | None = None
    """When the caller disconnected before the answer."""

    def predictions(self) -> list[dict[str, Any]]:
        """Return a prediction for each row, and remember the prices."""
        predictions = self.predict(json.loads(self.body))
        self.prices = [prediction["price"] for prediction in predictions if "price" in prediction]
        return predictions

    def as_json(self) -> dict[str, Any]:
        """Return the call for `GET /calls`."""
        return {
            name: getattr(self, name) for name in ("received_at", "caller", "prices", "answered_at", "cancelled_at")
        }


async def read_call(reader: asyncio.StreamReader, clock: Any, predict: Predict = price_predictions) -> Call:
    """Read one call from a connection."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.strip().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    method, path, *_ = first.split(" ")
    return Call(clock(), method, path, headers.get("x-request-id", ""), body, predict)


def http_answer(status: int, body: bytes, content_type: str = "application/json", headers: str = "") -> bytes:
    """Encode an HTTP answer whose reason and headers also contain SECRET."""
    head = f"HTTP/1.1 {status} {SECRET}\r\nContent-Type: {content_type}\r\nX-Upstream: {SECRET}\r\n{headers}"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
