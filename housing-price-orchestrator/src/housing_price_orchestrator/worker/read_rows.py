"""Reads the rows of an input file as houses, or as the errors that the API reports for them."""

import contextlib
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
from housing_price_orchestrator.worker.encode_blocks import BlockEncoder
from housing_price_orchestrator.worker.encode_cells import CellEncoder
from housing_price_orchestrator.worker.parquet.blocks import BlockFile
from housing_price_survey.tabular.errors import UnusableFile
from housing_price_survey.tabular.lines import MAX_ROW_BYTES, TOO_LONG
from housing_price_survey.tabular.rows import CsvRows, NdjsonRows
from housing_price_survey.tabular.rows import Row as DocumentRow

BLOCKS: Final = "blocks"
"""The format of a converted Parquet file."""

type ReadHouse = Callable[[bytes, Mapping[str, str]], AnyHouse]
"""Parses a house from a JSON document; errors name its fields as the file does."""


class Row(NamedTuple):
    """A row of a file."""

    house: AnyHouse | HousingPriceError
    """The house, or why the row is refused."""
    end: int
    """Byte offset of the next row."""


def count_rows(path: Path, file_format: str) -> int:
    """Count the rows of a CSV or NDJSON file, or of a file of blocks.

    Raises:
        JobInputUnusable: The file cannot be read.
    """
    with _usable():
        return _open(path, file_format).count()


def read_rows(path: Path, file_format: str, read: ReadHouse, *, offset: int, count: int) -> Iterator[Row]:
    """Yield the rows of a CSV or NDJSON file, or of a file of blocks, after the first `count` rows.

    `offset` is the byte offset of the first of them: 0, or the `end` of a row.

    Valid houses, as nearly all are, take a faster way than `read`, which decides about all others.

    Raises:
        JobInputUnusable: The file cannot be read.
    """
    with _usable():
        match _open(path, file_format):
            case CsvRows() as file:
                yield from _read_csv(file, read, offset, count)
            case NdjsonRows() as file:
                yield from _read_ndjson(file, read, offset, count)
            case BlockFile() as file:
                yield from _read_blocks(file, read, offset, count)


def _read_csv(file: CsvRows, read: ReadHouse, offset: int, count: int) -> Iterator[Row]:
    encoder = CellEncoder(file.table)
    for number, raw in enumerate(file.table.raw_records(offset), count + 1):
        house = encoder.house_of(raw, number)
        yield Row(house_of(file.row_of(raw, number), "csv", read) if house is None else house, raw.end)


def _read_ndjson(file: NdjsonRows, read: ReadHouse, offset: int, count: int) -> Iterator[Row]:
    for number, (_, line, end) in enumerate(file.table.lines(offset), count + 1):
        house = None if line is None else read_complete_house(line)
        yield Row(house_of(file.row_of(line, end, number), "ndjson", read) if house is None else house, end)


def _read_blocks(file: BlockFile, read: ReadHouse, offset: int, count: int) -> Iterator[Row]:
    encoder = BlockEncoder()
    for block in file.blocks(offset):
        # The first block may begin with rows that are among those before.
        start = max(0, count + 1 - block.first)
        for number, house in enumerate(encoder.houses_of(block, start), block.first + start):
            yield Row(house_of(block.row(number), "ndjson", read) if house is None else house, block.end_of(number))


def _open(path: Path, file_format: str) -> CsvRows | NdjsonRows | BlockFile:
    if not path.is_file():
        raise JobInputUnusable("The input file of this job no longer exists.")
    return _READERS[file_format](path)


@contextlib.contextmanager
def _usable() -> Iterator[None]:
    """Turn the error of a file that cannot be read into the failure of the job."""
    try:
        yield
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


_READERS: Final[Mapping[str, Callable[[Path], CsvRows | NdjsonRows | BlockFile]]] = {
    "csv": CsvRows,
    "ndjson": NdjsonRows,
    BLOCKS: BlockFile,
}
"""The reader of each format."""
