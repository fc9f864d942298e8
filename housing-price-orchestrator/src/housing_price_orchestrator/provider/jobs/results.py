"""Writes the results of a file, of the same kind, at a known byte."""

import csv
import io
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import orjson

from housing_price_orchestrator.shared.ports import PriceEstimate
from housing_price_orchestrator.shared.view.price import INTERVAL_LEVEL

type Priced = tuple[int, int, PriceEstimate]
"""The number of a row, from 1; the id of its house; and its price."""

COLUMNS = (
    "row",
    "id",
    "predictedPrice",
    "priceIntervalLow",
    "priceIntervalHigh",
    "priceIntervalLevel",
    "modelName",
    "modelVersion",
    "modelId",
)
CSV_HEAD = (",".join(COLUMNS) + "\r\n").encode()


def as_csv(rows: Iterable[Priced]) -> bytes:
    """Write rows as CSV, without a header."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    for row, house_id, one in rows:
        model = one.model
        prices = (one.price_usd, one.low_usd, one.high_usd, INTERVAL_LEVEL)
        writer.writerow((row, house_id, *prices, model.name, model.version, model.id))
    return text.getvalue().encode()


def as_lines(rows: Iterable[Priced]) -> bytes:
    """Write rows as JSON, one document per line."""
    return b"".join(orjson.dumps(_document(*priced), option=orjson.OPT_APPEND_NEWLINE) for priced in rows)


def _document(row: int, house_id: int, one: PriceEstimate) -> dict[str, Any]:
    return {
        "row": row,
        "id": house_id,
        "predictedPrice": one.price_usd,
        "priceInterval": {"low": one.low_usd, "high": one.high_usd, "level": INTERVAL_LEVEL},
        "model": {"name": one.model.name, "version": one.model.version, "id": one.model.id},
    }


WRITERS: Mapping[str, tuple[bytes, Callable[[Iterable[Priced]], bytes]]] = {
    "csv": (CSV_HEAD, as_csv),
    "ndjson": (b"", as_lines),
}
"""What stands at the beginning of a result of each format, and what writes its rows."""


def write_at(path: Path, offset: int, content: bytes) -> int:
    """Write `content` at a byte and nothing behind it; it is on the disk when this returns the byte behind it.

    What somebody wrote behind `offset` before they crashed is cut off.
    """
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b") as file:
        size = file.seek(0, os.SEEK_END)
        if size < offset:
            raise OSError(f"{path} has {size} bytes and was written up to {offset}")
        file.truncate(offset)
        file.seek(offset)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return offset + len(content)
