"""Reads the houses of a file for scoring, from a byte offset or a row, in constant memory."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final, NamedTuple, Protocol

import orjson

from housing_price_survey.tabular.csv_table import CsvTable, RawRecord
from housing_price_survey.tabular.encoding import not_utf_8
from housing_price_survey.tabular.lines import TOO_LONG
from housing_price_survey.tabular.names import ID_KEY, check_layout
from housing_price_survey.tabular.ndjson_table import NdjsonTable, survey_house

_NO_NAMES: Final[Mapping[str, str]] = MappingProxyType({})


class Row(NamedTuple):
    """A row of a file: one house."""

    document: bytes | None
    """The house as the JSON document that a caller of the API would send; None if there is a `problem`."""
    problem: str | None
    """Why the row cannot be read."""
    end: int
    """The byte offset of the next row."""
    names: Mapping[str, str] = _NO_NAMES
    """The name in the file of each key; empty if the names are the keys."""


class Rows(Protocol):
    """The rows of a file."""

    def after(self, offset: int, count: int = 0) -> Iterator[Row]:
        """Yield the rows from a byte offset: 0, or the `end` of a row. `count` is the number of rows before it."""
        ...


class TextRows(Rows, Protocol):
    """The rows of a text file."""

    def count(self) -> int:
        """Count the rows that `after` yields from the start, without parsing them."""
        ...

    def ends(self) -> Iterator[int]:
        """Yield the byte offset at which each row ends, without reading its values."""
        ...


class NdjsonRows:
    """The rows of an NDJSON file. Documents with the keys of the API are passed on unread."""

    def __init__(self, path: Path) -> None:
        """Read the file at `path`.

        Raises:
            UnusableFile: The file is not text in UTF-8.
        """
        self.table = NdjsonTable(path)

    def after(self, offset: int, count: int = 0) -> Iterator[Row]:
        """Yield the rows from a byte offset."""
        for number, (_, line, end) in enumerate(self.table.lines(offset), count + 1):
            yield self.row_of(line, end, number)

    def count(self) -> int:
        """See `TextRows.count`."""
        return sum(1 for _ in self.table.lines())

    @staticmethod
    def row_of(line: bytes | None, end: int, number: int) -> Row:
        """Return the row in a line of the file; `number` is that of the row, from 1."""
        if line is None:
            return Row(None, TOO_LONG, end)
        if (problem := _encoding_problem(line)) is not None:
            return Row(None, problem, end)
        if (house := survey_house(line, number)) is not None:
            return Row(house.document, None, end, house.names)
        return Row(line, None, end)

    def ends(self) -> Iterator[int]:
        """Yield the end of each row."""
        return (end for _, _, end in self.table.lines())


def _encoding_problem(line: bytes) -> str | None:
    try:
        line.decode()
    except UnicodeDecodeError as error:
        return not_utf_8(error)
    return None


class CsvRows:
    """The rows of a CSV file."""

    def __init__(self, path: Path) -> None:
        """Read the file at `path`.

        Raises:
            UnusableFile: The file is not CSV in UTF-8, or its header does not match a house.
        """
        self.table = CsvTable(path)
        check_layout(self.table.layout, self.table.subject)
        layout = self.table.layout
        self._nulls = layout.nulls()
        self._names = layout.names if layout.is_survey else _NO_NAMES

    def after(self, offset: int, count: int = 0) -> Iterator[Row]:
        """Yield the rows from a byte offset."""
        for number, raw in enumerate(self.table.raw_records(offset), count + 1):
            yield self.row_of(raw, number)

    def count(self) -> int:
        """See `TextRows.count`."""
        return sum(1 for _ in self.table.raw_records())

    def row_of(self, raw: RawRecord, number: int) -> Row:
        """Return the row in a record of the file; `number` is that of the row, from 1."""
        record = self.table.parse(raw)
        if record.values is None:
            return Row(None, record.problem, record.end)
        document = to_json({ID_KEY: number} | self._nulls | record.values)
        return Row(document, None, record.end, self._names)

    def ends(self) -> Iterator[int]:
        """Yield the end of each row."""
        return (raw.end for raw in self.table.raw_records())


def to_json(document: object) -> bytes:
    """Write a document, or a value of one, as JSON on one line."""
    try:
        return orjson.dumps(document)
    except TypeError:
        # orjson writes no integers above 64 bits, which validation must see.
        return json.dumps(document).encode()
