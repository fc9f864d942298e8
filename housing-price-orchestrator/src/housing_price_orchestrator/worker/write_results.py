"""Writes the results of a file: a part for each step, and all of them as one file."""

import csv
import io
import os
import secrets
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import orjson

from housing_price_orchestrator.provider.jobs.files import BLOCK_BYTES
from housing_price_orchestrator.shared.errors import JobInputUnusable
from housing_price_orchestrator.shared.ports import PriceEstimate
from housing_price_orchestrator.shared.view.price import INTERVAL_LEVEL
from housing_price_orchestrator.worker.priced_rows import COLUMNS, Priced, cells_of

CSV_HEAD = (",".join(COLUMNS) + "\r\n").encode()


def as_csv(rows: Iterable[Priced]) -> bytes:
    """Write rows as CSV, without a header."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerows(map(cells_of, rows))
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


NO_PARQUET = "The worker was installed without parquet (its extra `worker`). Ask the operator."


class ResultFormat(Protocol):
    """Writes the results of one step, and puts those of all steps together."""

    def write(self, rows: Sequence[Priced], /) -> bytes:
        """Write the rows of one step, which may be none, as a part."""
        ...

    def join(self, parts: Sequence[Path], target: BinaryIO, /) -> None:
        """Write all parts, in their order, as one file, in little memory."""
        ...


class _Lines:
    """A format whose parts stand one behind the other."""

    def __init__(self, head: bytes, write: Callable[[Iterable[Priced]], bytes]) -> None:
        self._head = head
        self.write = write

    def join(self, parts: Sequence[Path], target: BinaryIO) -> None:
        target.write(self._head)
        join_bytes(parts, target)


def join_bytes(parts: Sequence[Path], target: BinaryIO) -> None:
    """Write files one behind the other."""
    for part in parts:
        with part.open("rb") as file:
            shutil.copyfileobj(file, target, BLOCK_BYTES)


def result_format(name: str) -> ResultFormat:
    """Give what writes a format: csv, ndjson or parquet.

    Raises:
        JobInputUnusable: this worker was installed without what it takes.
    """
    if name == "parquet":
        if find_spec("pyarrow") is None:
            raise JobInputUnusable(NO_PARQUET)
        # It takes a while to load, and is an extra.
        from housing_price_orchestrator.worker.parquet.write import ParquetResults  # noqa: PLC0415

        return ParquetResults()
    return _FORMATS[name]


_FORMATS: Mapping[str, ResultFormat] = {"csv": _Lines(CSV_HEAD, as_csv), "ndjson": _Lines(b"", as_lines)}


def write_whole(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Write a file that is there as a whole or not at all, and on the disk when this returns."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        # Nobody else on this machine reads what people send.
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
