"""Reads the rows of an input file as houses, or as the errors that the API reports for them."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from housing_price_orchestrator.shared.errors import (
    DocumentTooLarge,
    HousingPriceError,
    InvalidDocument,
    JobInputUnusable,
)
from housing_price_orchestrator.shared.view.record import AnyHouse
from housing_price_survey.tabular import rows
from housing_price_survey.tabular.errors import UnusableFile
from housing_price_survey.tabular.lines import MAX_ROW_BYTES, TOO_LONG

type ReadHouse = Callable[[bytes, Mapping[str, str]], AnyHouse]
"""Parses a house from a JSON document; errors name its fields as the file does."""


class Row(NamedTuple):
    """A row of a file."""

    house: AnyHouse | HousingPriceError
    """The house, or why the row is refused."""
    end: int
    """Byte offset of the next row."""


def count_rows(path: Path, file_format: str) -> int:
    """Count the rows of a CSV or NDJSON file.

    Raises:
        JobInputUnusable: The file cannot be read.
    """
    return sum(1 for _ in _rows(path, file_format, 0, 0))


def read_rows(path: Path, file_format: str, read: ReadHouse, *, offset: int, count: int) -> Iterator[Row]:
    """Yield the rows of a CSV or NDJSON file from a byte offset, before which there are `count` rows.

    Raises:
        JobInputUnusable: The file cannot be read.
    """
    for row in _rows(path, file_format, offset, count):
        yield Row(_house_of(row, read, "csv_invalid" if file_format == "csv" else "json_invalid"), row.end)


def _rows(path: Path, file_format: str, offset: int, count: int) -> Iterator[rows.Row]:
    if not path.is_file():
        raise JobInputUnusable("The input file of this job no longer exists.")
    try:
        reader = _READERS[file_format](path)
    except UnusableFile as error:
        raise JobInputUnusable(str(error)) from error
    return reader.after(offset, count)


def _house_of(row: rows.Row, read: ReadHouse, kind: str) -> AnyHouse | HousingPriceError:
    if row.document is None:
        if row.problem == TOO_LONG:
            return DocumentTooLarge(MAX_ROW_BYTES)
        return InvalidDocument([{"type": kind, "loc": ("body",), "msg": row.problem or ""}])
    try:
        return read(row.document, row.names)
    except InvalidDocument as error:
        return error


_READERS: Final[Mapping[str, Callable[[Path], rows.Rows]]] = {"csv": rows.CsvRows, "ndjson": rows.NdjsonRows}
"""The reader of each text format."""
