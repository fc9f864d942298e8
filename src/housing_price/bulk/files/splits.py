"""Splits a file of houses into parts that are priced independently, and reads the houses of one split."""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final, NamedTuple

from housing_price.bulk.files.locations import InputFile
from housing_price.errors import BulkError
from housing_price_orchestrator.interface.documents.lines import read_named_house
from housing_price_orchestrator.shared.errors import HousingPriceError, JobInputUnusable
from housing_price_orchestrator.shared.view.record import AnyHouse
from housing_price_orchestrator.worker.read_rows import house_of, read_rows
from housing_price_survey.tabular.errors import UnusableFile
from housing_price_survey.tabular.parquet.rows import ParquetRows
from housing_price_survey.tabular.rows import CsvRows, NdjsonRows, TextRows

ROWS_PER_SPLIT: Final = 20_000
"""Rows of a split: about a second of work. Splits of Parquet files may be larger: reaching them takes time."""


class Split(NamedTuple):
    """Successive rows of a file."""

    offset: int
    """The byte offset of the first row; 0 in a Parquet file."""
    before: int
    """The number of rows before the first one."""
    rows: int


def plan_splits(source: InputFile, pieces: int, rows_per_split: int = ROWS_PER_SPLIT) -> list[Split]:
    """Split a file; the splits are in the order of the file and cover each row once.

    Args:
        source: The file.
        pieces: Into how many splits a large row group of a Parquet file is divided. Each split reads its row group
            from the start, so more pieces than processes would be waste.
        rows_per_split: Rows of a split of a text file; the least rows of a split of a Parquet file.

    Raises:
        BulkError: The file cannot be used; the message says why.
    """
    try:
        if source.format == "parquet":
            groups = ParquetRows(source.path).rows_of_groups
            return list(_split_groups(groups, pieces, rows_per_split))
        reader: TextRows = CsvRows(source.path) if source.format == "csv" else NdjsonRows(source.path)
        return list(_split_text(reader, rows_per_split))
    except UnusableFile as error:
        raise BulkError(f"{source.path}: {error}") from error
    except OSError as error:
        raise BulkError(f"{source.path}: cannot be read ({error.strerror or error})") from error


def read_split(source: InputFile, split: Split) -> Iterator[AnyHouse | HousingPriceError]:
    """Yield the houses of a split, with the error that the API would report in place of each row without one.

    Raises:
        BulkError: The file was changed after it was split, or is damaged.
    """
    count = 0
    try:
        for house in islice(_houses_after(source, split), split.rows):
            count += 1
            yield house
    except (UnusableFile, JobInputUnusable) as error:
        raise BulkError(f"{source.path}: {error}") from error
    except OSError as error:
        raise BulkError(f"{source.path}: cannot be read ({error.strerror or error})") from error
    if count != split.rows:
        raise BulkError(f"{source.path}: the file was changed while it was read; start again")


def _houses_after(source: InputFile, split: Split) -> Iterator[AnyHouse | HousingPriceError]:
    if source.format == "parquet":
        for row in ParquetRows(source.path).after(count=split.before):
            yield house_of(row, source.format, read_named_house)
    else:
        for text_row in read_rows(
            source.path, source.format, read_named_house, offset=split.offset, count=split.before
        ):
            yield text_row.house


def _split_text(reader: TextRows, rows_per_split: int) -> Iterator[Split]:
    offset = before = count = end = 0
    for end in reader.ends():
        count += 1
        if count == rows_per_split:
            yield Split(offset, before, count)
            offset, before, count = end, before + count, 0
    if count:
        yield Split(offset, before, count)


def _split_groups(groups: Sequence[int], pieces: int, min_rows: int) -> Iterator[Split]:
    before = 0
    for rows in _merged(groups, min_rows):
        size = max(min_rows, -(-rows // pieces))
        for start in range(0, rows, size):
            yield Split(0, before + start, min(size, rows - start))
        before += rows


def _merged(groups: Sequence[int], max_rows: int) -> Iterator[int]:
    """Join successive small row groups."""
    rows = 0
    for group in groups:
        if rows and rows + group > max_rows:
            yield rows
            rows = 0
        rows += group
    if rows:
        yield rows
