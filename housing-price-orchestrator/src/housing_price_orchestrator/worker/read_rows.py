"""Reads the rows of a CSV or NDJSON file from a byte offset, in constant memory.

No field of a house may contain a line break, so each line is one row. Every format is turned into the JSON document
that a caller of the API would send, so validation has one implementation.
"""

import csv
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

import orjson

from housing_price_orchestrator.shared.errors import (
    DocumentTooLarge,
    HousingPriceError,
    InvalidDocument,
    JobInputUnusable,
)
from housing_price_orchestrator.shared.view.fields import FieldKind, house_fields

MAX_ROW_BYTES: Final = 64 * 1024
"""Longest accepted row. A house takes about 1.7 kB as JSON."""

_BOM: Final = b"\xef\xbb\xbf"
_WHOLE_NUMBER: Final = re.compile(r"(-?[0-9]{1,18})(\.0*)?")
_NUMBER: Final = re.compile(r"-?[0-9]{1,18}(\.[0-9]{0,18})?([eE][+-]?[0-9]{1,2})?")
_MAX_NAMES_SHOWN: Final = 10


class Row(NamedTuple):
    """A row of a file."""

    document: bytes | None
    """The house as JSON; None if there is an `error`."""
    error: HousingPriceError | None
    end: int
    """Byte offset of the next row."""


class NdjsonRows:
    """The rows of an NDJSON file; blank lines are skipped."""

    def __init__(self, path: Path) -> None:
        """Read the file at `path`."""
        self._path = path

    def after(self, offset: int) -> Iterator[Row]:
        """Yield the rows from a byte offset: 0, or the `end` of a row."""
        with self._path.open("rb") as file:
            file.seek(offset)
            for line, end in _lines_with_end(file, offset):
                if line is None:
                    yield Row(None, DocumentTooLarge(MAX_ROW_BYTES), end)
                elif text := line.removeprefix(_BOM if end == len(line) else b"").strip():
                    yield Row(text, None, end)


class CsvRows:
    """The rows of a CSV file (RFC 4180) whose header names keys of `House`."""

    def __init__(self, path: Path) -> None:
        """Read the file at `path`.

        Raises:
            JobInputUnusable: the header is not valid.
        """
        self._path = path
        with path.open("rb") as file:
            line, self._start = next(_lines_with_end(file, 0), (b"", 0))
        self._names = _header_names(line)
        self._cell_converters = [_CONVERTERS[name] for name in self._names]
        self._absent = nulls_for_absent_keys(self._names)

    def after(self, offset: int) -> Iterator[Row]:
        """Yield the rows from a byte offset: 0, or the `end` of a row."""
        offset = max(offset, self._start)
        with self._path.open("rb") as file:
            file.seek(offset)
            for line, end in _lines_with_end(file, offset):
                if line is None:
                    yield Row(None, DocumentTooLarge(MAX_ROW_BYTES), end)
                elif line.strip():
                    yield self._row(line, end)

    def _row(self, line: bytes, end: int) -> Row:
        try:
            cells = _cells(line)
        except ValueError as error:
            return Row(None, _invalid_row(str(error)), end)
        if len(cells) != len(self._names):
            return Row(None, _invalid_row(f"expected {len(self._names)} cells, found {len(cells)}"), end)
        values = [read(cell) if cell else None for read, cell in zip(self._cell_converters, cells, strict=True)]
        return Row(orjson.dumps(dict(zip(self._names, values, strict=True)) | self._absent), None, end)


def _lines_with_end(file: BinaryIO, offset: int) -> Iterator[tuple[bytes | None, int]]:
    """Yield each line and its end offset; None instead of a line longer than `MAX_ROW_BYTES`, which is skipped."""
    while line := file.readline(MAX_ROW_BYTES + 1):
        offset += len(line)
        if len(line) <= MAX_ROW_BYTES:
            yield line, offset
            continue
        while line and not line.endswith(b"\n"):
            line = file.readline(MAX_ROW_BYTES)
            offset += len(line)
        yield None, offset


def _cells(line: bytes) -> list[str]:
    try:
        rows = list(csv.reader([line.decode().rstrip("\r\n")], strict=True))
    except (csv.Error, UnicodeDecodeError) as error:
        raise ValueError(f"invalid CSV: {error}") from error
    return rows[0] if rows else []


def _header_names(line: bytes | None) -> Sequence[str]:
    try:
        names = [name.strip() for name in _cells((line or b"").removeprefix(_BOM))]
    except ValueError as error:
        raise JobInputUnusable(f"The header cannot be read: {error}.") from error
    check_names(names, "The header")
    return names


def check_names(names: Sequence[str], subject: str) -> None:
    """Check that the column names are keys of `House`, without repeats, and include all required keys.

    Raises:
        JobInputUnusable: a name is unknown, repeated or missing; the message begins with `subject`.
    """
    unknown = [name for name in names if name not in _CONVERTERS]
    repeated = sorted({name for name in names if names.count(name) > 1})
    missing = sorted(_REQUIRED.difference(names))
    for problem, affected in (("Unknown", unknown), ("Repeated", repeated), ("Missing", missing)):
        if affected:
            shown = ", ".join(repr(name[:60]) for name in affected[:_MAX_NAMES_SHOWN])
            raise JobInputUnusable(f"{subject} must match the keys of a house. {problem}: {shown}.")


def takes_whole_numbers_only(name: str) -> bool:
    """Return whether a key of `House` accepts whole numbers only."""
    return _CONVERTERS[name] is _to_whole_number


def _invalid_row(reason: str) -> InvalidDocument:
    return InvalidDocument([{"type": "csv_invalid", "loc": ("body",), "msg": reason}])


def _to_whole_number(text: str) -> object:
    match = _WHOLE_NUMBER.fullmatch(text)
    return int(match[1]) if match else _to_number(text)


def _to_number(text: str) -> object:
    # Anything else stays text, which validation rejects and names.
    return float(text) if _NUMBER.fullmatch(text) else text


def _unchanged(text: str) -> object:
    return text


def nulls_for_absent_keys(names: Sequence[str]) -> dict[str, object]:
    """Return null for each optional key that is not in `names`: documents with all keys take the faster parser."""
    return {name: None for name in _CONVERTERS if name not in names and name not in _REQUIRED}


_CONVERTER_OF_KIND: Final[Mapping[FieldKind, Callable[[str], object]]] = {
    "integer": _to_whole_number,
    "number": _to_number,
    "text": _unchanged,
}
_CONVERTERS: Final = {field.key: _CONVERTER_OF_KIND[field.kind] for field in house_fields()}
_REQUIRED: Final = frozenset(field.key for field in house_fields() if not field.is_nullable)

READERS: Final[Mapping[str, Callable[[Path], NdjsonRows | CsvRows]]] = {"csv": CsvRows, "ndjson": NdjsonRows}
"""The reader of each text format."""
