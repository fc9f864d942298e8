"""Reads the rows of an input file as houses, or as the errors that the API reports for them."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from housing_price_orchestrator.interface.documents.reading import read_complete_house
from housing_price_orchestrator.shared.errors import (
    DocumentTooLarge,
    HousingPriceError,
    InvalidDocument,
    JobInputUnusable,
)
from housing_price_orchestrator.shared.view.record import AnyHouse
from housing_price_orchestrator.worker.encode_cells import CellEncoder
from housing_price_survey.tabular.errors import UnusableFile
from housing_price_survey.tabular.lines import MAX_ROW_BYTES, TOO_LONG
from housing_price_survey.tabular.rows import CsvRows, NdjsonRows
from housing_price_survey.tabular.rows import Row as DocumentRow

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
    return _open(path, file_format).count()


def read_rows(path: Path, file_format: str, read: ReadHouse, *, offset: int, count: int) -> Iterator[Row]:
    """Yield the rows of a CSV or NDJSON file from a byte offset, before which there are `count` rows.

    Valid houses, as nearly all are, take a faster way than `read`, which decides about all others.

    Raises:
        JobInputUnusable: The file cannot be read.
    """
    opened = _open(path, file_format)
    if isinstance(opened, CsvRows):
        yield from _read_csv(opened, read, offset, count)
    else:
        yield from _read_ndjson(opened, read, offset, count)


def _read_csv(file: CsvRows, read: ReadHouse, offset: int, count: int) -> Iterator[Row]:
    encoder = CellEncoder(file.table)
    for number, raw in enumerate(file.table.raw_records(offset), count + 1):
        house = encoder.house_of(raw, number)
        yield Row(house_of(file.row_of(raw, number), "csv", read) if house is None else house, raw.end)


def _read_ndjson(file: NdjsonRows, read: ReadHouse, offset: int, count: int) -> Iterator[Row]:
    for number, (_, line, end) in enumerate(file.table.lines(offset), count + 1):
        house = None if line is None else read_complete_house(line)
        yield Row(house_of(file.row_of(line, end, number), "ndjson", read) if house is None else house, end)


def _open(path: Path, file_format: str) -> CsvRows | NdjsonRows:
    if not path.is_file():
        raise JobInputUnusable("The input file of this job no longer exists.")
    try:
        return _READERS[file_format](path)
    except UnusableFile as error:
        raise JobInputUnusable(str(error)) from error


def house_of(row: DocumentRow, file_format: str, read: ReadHouse) -> AnyHouse | HousingPriceError:
    """Return the house of a row, or the error that the API would report for it."""
    if row.document is None:
        if row.problem == TOO_LONG:
            return DocumentTooLarge(MAX_ROW_BYTES)
        kind = "csv_invalid" if file_format == "csv" else "json_invalid"
        return InvalidDocument([{"type": kind, "loc": ("body",), "msg": row.problem or ""}])
    try:
        return read(row.document, row.names)
    except InvalidDocument as error:
        return error


_READERS: Final[Mapping[str, Callable[[Path], CsvRows | NdjsonRows]]] = {"csv": CsvRows, "ndjson": NdjsonRows}
"""The reader of each text format."""
