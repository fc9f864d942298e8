"""Writes scoring results: one part file per step, then all parts joined into one result file."""

import csv
import io
import shutil
from collections.abc import Callable, Iterable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, BinaryIO, Final, Protocol

import msgspec
import orjson

from housing_price_orchestrator.provider.jobs.files import BLOCK_BYTES
from housing_price_orchestrator.shared.errors import JobInputUnusable
from housing_price_orchestrator.shared.view.price import INTERVAL_LEVEL
from housing_price_orchestrator.worker.priced_rows import COLUMNS, PricedRow, cells_of

CSV_HEADER: Final = (",".join(COLUMNS) + "\r\n").encode()


def csv_lines(rows: Iterable[PricedRow]) -> bytes:
    """Format rows as CSV lines, without the header."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerows(map(cells_of, rows))
    return text.getvalue().encode()


def json_lines(rows: Iterable[PricedRow]) -> bytes:
    """Format rows as JSON, one document per line."""
    # Lines that are kept one by one until the end leave gaps between them in the heap: three times the memory.
    lines = io.BytesIO()
    lines.writelines(orjson.dumps(_document(priced), option=orjson.OPT_APPEND_NEWLINE) for priced in rows)
    return lines.getvalue()


def _document(priced: PricedRow) -> dict[str, Any]:
    row, house_id, estimate, warnings = priced
    document = {
        "row": row,
        "id": house_id,
        "predictedPrice": estimate.price_usd,
        "priceInterval": {"low": estimate.low_usd, "high": estimate.high_usd, "level": INTERVAL_LEVEL},
        "model": {"name": estimate.model.name, "version": estimate.model.version, "id": estimate.model.id},
    }
    return document | {"warnings": msgspec.to_builtins(warnings)} if warnings else document


PARQUET_NOT_INSTALLED: Final = (
    "This worker is installed without Parquet support (its extra `worker`). Contact the operator."
)


class ResultFormat(Protocol):
    """Formats the results of one step as a part, and joins the parts of all steps."""

    @property
    def has_warnings(self) -> bool:
        """Whether the results have the warnings of each row."""
        ...

    def write(self, rows: Iterable[PricedRow], /) -> bytes:
        """Format the rows of one step, possibly none, as a part. Rows are taken one by one, while others are priced."""
        ...

    def join(self, parts: Iterable[Path], target: BinaryIO, /) -> None:
        """Write all parts, in order, to one file; memory use does not grow with the file."""
        ...


class _ConcatenatedParts:
    """A format whose parts are joined by concatenation, after an optional header."""

    def __init__(self, header: bytes, write: Callable[[Iterable[PricedRow]], bytes], *, has_warnings: bool) -> None:
        self._header = header
        self.write = write
        self.has_warnings = has_warnings

    def join(self, parts: Iterable[Path], target: BinaryIO) -> None:
        target.write(self._header)
        concatenate(parts, target)


def concatenate(parts: Iterable[Path], target: BinaryIO) -> None:
    """Write the bytes of all parts to `target`, in order."""
    for part in parts:
        with part.open("rb") as file:
            shutil.copyfileobj(file, target, BLOCK_BYTES)


def result_format(name: str) -> ResultFormat:
    """Return the writer of a format: csv, ndjson or parquet.

    Raises:
        JobInputUnusable: the format is parquet and pyarrow is not installed.
    """
    if name == "parquet":
        if find_spec("pyarrow") is None:
            raise JobInputUnusable(PARQUET_NOT_INSTALLED)
        # pyarrow is an optional dependency and slow to import.
        from housing_price_orchestrator.worker.parquet.write import ParquetResults  # noqa: PLC0415

        return ParquetResults()
    return _FORMATS[name]


_FORMATS: Final[Mapping[str, ResultFormat]] = {
    "csv": _ConcatenatedParts(CSV_HEADER, csv_lines, has_warnings=False),
    "ndjson": _ConcatenatedParts(b"", json_lines, has_warnings=True),
}
