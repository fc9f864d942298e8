"""Reads the houses of a CSV or NDJSON file for scoring, from a byte offset, in constant memory."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final, NamedTuple, Protocol

import orjson

from housing_price_survey.tabular.csv_table import CsvTable
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


class NdjsonRows:
    """The rows of an NDJSON file. Documents with the keys of the API are passed on unread."""

    def __init__(self, path: Path) -> None:
        """Read the file at `path`.

        Raises:
            UnusableFile: The file is not text in UTF-8.
        """
        self._table = NdjsonTable(path)

    def after(self, offset: int, count: int = 0) -> Iterator[Row]:
        """Yield the rows from a byte offset."""
        for number, (_, line, end) in enumerate(self._table.lines(offset), count + 1):
            if line is None:
                yield Row(None, TOO_LONG, end)
            elif (problem := _encoding_problem(line)) is not None:
                yield Row(None, problem, end)
            elif (house := survey_house(line, number)) is not None:
                yield Row(house.document, None, end, house.names)
            else:
                yield Row(line, None, end)


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
        self._table = CsvTable(path)
        check_layout(self._table.layout, self._table.subject)

    def after(self, offset: int, count: int = 0) -> Iterator[Row]:
        """Yield the rows from a byte offset."""
        layout = self._table.layout
        nulls = layout.nulls()
        names = layout.names if layout.is_survey else _NO_NAMES
        for number, record in enumerate(self._table.records(offset), count + 1):
            if record.values is None:
                yield Row(None, record.problem, record.end)
            else:
                yield Row(to_json({ID_KEY: number} | nulls | record.values), None, record.end, names)


def to_json(document: Mapping[str, object]) -> bytes:
    """Write a document as JSON on one line."""
    try:
        return orjson.dumps(document)
    except TypeError:
        # orjson writes no integers above 64 bits, which validation must see.
        return json.dumps(document).encode()
