"""Reads the rows of a file from a known byte on, whatever its size: CSV, or a JSON document per line.

No house holds a line break, so a line is a row in both. Whatever the format, a row is handed on as the JSON document
that the API would have been sent: the contract is the same, and stands in one place.
"""

import csv
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import orjson

from housing_price_orchestrator.shared.errors import (
    DocumentTooLarge,
    HousingPriceError,
    InvalidDocument,
    JobInputUnusable,
)
from housing_price_orchestrator.shared.view.house import House

MAX_ROW_BYTES = 64 * 1024
"""The longest row; a house takes about 1.7 kB as JSON."""

_BOM = b"\xef\xbb\xbf"
_WHOLE = re.compile(r"(-?[0-9]{1,18})(\.0*)?")
_NUMBER = re.compile(r"-?[0-9]{1,18}(\.[0-9]{0,18})?([eE][+-]?[0-9]{1,2})?")
_MAX_NAMES_SHOWN = 10


class Row(NamedTuple):
    """A row of a file."""

    document: bytes | None
    """The house as JSON; None where there is an `error` instead."""
    error: HousingPriceError | None
    end: int
    """The byte behind it."""


class LineRows:
    """The rows of a file with a JSON document per line; lines of white space are no rows."""

    def __init__(self, path: Path) -> None:
        """Read the file at `path`."""
        self._path = path

    def after(self, offset: int) -> Iterator[Row]:
        """Give the rows from a byte on: 0, or the end of a row."""
        with self._path.open("rb") as file:
            file.seek(offset)
            for line, end in _lines(file, offset):
                if line is None:
                    yield Row(None, DocumentTooLarge(MAX_ROW_BYTES), end)
                elif text := line.removeprefix(_BOM if end == len(line) else b"").strip():
                    yield Row(text, None, end)


class CsvRows:
    """The rows of a CSV file (RFC 4180) whose header names keys of `House`."""

    def __init__(self, path: Path) -> None:
        """Read the file at `path`.

        Raises:
            JobInputUnusable: its header cannot be used; says why.
        """
        self._path = path
        with path.open("rb") as file:
            line, self._start = next(_lines(file, 0), (b"", 0))
        self._names = _header(line)
        self._readers = [_CONVERTERS[name] for name in self._names]
        self._rest = nulls_for_missing(self._names)

    def after(self, offset: int) -> Iterator[Row]:
        """Give the rows from a byte on: 0, or the end of a row."""
        offset = max(offset, self._start)
        with self._path.open("rb") as file:
            file.seek(offset)
            for line, end in _lines(file, offset):
                if line is None:
                    yield Row(None, DocumentTooLarge(MAX_ROW_BYTES), end)
                elif line.strip():
                    yield self._row(line, end)

    def _row(self, line: bytes, end: int) -> Row:
        try:
            cells = _cells(line)
        except ValueError as error:
            return Row(None, _refusal(str(error)), end)
        if len(cells) != len(self._names):
            return Row(None, _refusal(f"the row has {len(cells)} cells and the header {len(self._names)}"), end)
        values = [read(cell) if cell else None for read, cell in zip(self._readers, cells, strict=True)]
        return Row(orjson.dumps(dict(zip(self._names, values, strict=True)) | self._rest), None, end)


def _lines(file: BinaryIO, offset: int) -> Iterator[tuple[bytes | None, int]]:
    """Give each line with the byte behind it; None for one that is too long, which is passed over in little memory."""
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
        raise ValueError(f"not a row of CSV: {error}") from error
    return rows[0] if rows else []


def _header(line: bytes | None) -> Sequence[str]:
    try:
        names = [name.strip() for name in _cells((line or b"").removeprefix(_BOM))]
    except ValueError as error:
        raise JobInputUnusable(f"The header is {error}.") from error
    check_names(names, "The header")
    return names


def check_names(names: Sequence[str], what_names: str) -> None:
    """Make sure that the names of columns are keys of `House`, each once, and all that a house needs.

    Raises:
        JobInputUnusable: they are not; says, of `what_names`, why.
    """
    unknown = [name for name in names if name not in _CONVERTERS]
    twice = sorted({name for name in names if names.count(name) > 1})
    missing = sorted(_REQUIRED.difference(names))
    for what, wrong in (("is unknown", unknown), ("stands there twice", twice), ("is missing", missing)):
        if wrong:
            shown = ", ".join(repr(name[:60]) for name in wrong[:_MAX_NAMES_SHOWN])
            raise JobInputUnusable(f"{what_names} must name keys of a house, but of these each {what}: {shown}.")


def is_whole(name: str) -> bool:
    """Tell whether a key of `House` takes whole numbers only."""
    return _CONVERTERS[name] is _whole


def _refusal(reason: str) -> InvalidDocument:
    return InvalidDocument([{"type": "csv_invalid", "loc": ("body",), "msg": reason}])


def _whole(text: str) -> object:
    match = _WHOLE.fullmatch(text)
    return int(match[1]) if match else _number(text)


def _number(text: str) -> object:
    # What is no number stays a text, which the contract refuses by name.
    return float(text) if _NUMBER.fullmatch(text) else text


def _text(text: str) -> object:
    return text


def _converter(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> Callable[[str], object]:
    if "$ref" in schema:
        return _converter(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    if "anyOf" in schema:
        return _converter(next(option for option in schema["anyOf"] if option.get("type") != "null"), definitions)
    if "enum" in schema or "const" in schema:
        words = schema.get("enum", [schema.get("const")])
        return _whole if all(isinstance(word, int) for word in words) else _text
    return {"integer": _whole, "number": _number}.get(str(schema.get("type")), _text)


def nulls_for_missing(names: Sequence[str]) -> dict[str, object]:
    """Give the keys that `names` leave out and that may be left out: with every key a house is read in the fast way."""
    return {name: None for name in _CONVERTERS if name not in names and name not in _REQUIRED}


_SCHEMA = House.model_json_schema(mode="validation")
_CONVERTERS = {name: _converter(one, _SCHEMA["$defs"]) for name, one in _SCHEMA["properties"].items()}
_REQUIRED = frozenset(_SCHEMA["required"])

READERS: Mapping[str, Callable[[Path], LineRows | CsvRows]] = {"csv": CsvRows, "ndjson": LineRows}
"""What reads each format."""
