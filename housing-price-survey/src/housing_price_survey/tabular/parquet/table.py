"""Reads Parquet files, also with what pandas and other writers add. Needs pyarrow: the extra `parquet`."""

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import BinaryIO, Final, NamedTuple, Self

import pyarrow as pa
import pyarrow.parquet as pq

from housing_price_survey.tabular.errors import UnusableFile
from housing_price_survey.tabular.names import SPACES, Layout, layout_of
from housing_price_survey.tabular.parquet.columns import Column, ColumnReader, reader_for, unchanged
from housing_price_survey.tabular.records import Record

_BATCH_ROWS: Final = 500
"""Rows read into memory at a time."""
_READ_BYTES: Final = 64 * 1024
_MAX_FOOTER_STRINGS: Final = 1024 * 1024
_MAX_FOOTER_ITEMS: Final = 4 * 1024 * 1024
_MAX_MESSAGE_CHARACTERS: Final = 300
_MAX_COLUMNS_SHOWN: Final = 10


class _Range(NamedTuple):
    """An index of pandas that is described in the metadata instead of stored as a column."""

    start: int
    step: int


class ParquetTable:
    """The records of a Parquet file; a context manager."""

    def __init__(self, file: BinaryIO, *, with_price: bool = False) -> None:
        """Read the footer of an open file; `with_price` includes the sale price.

        Raises:
            UnusableFile: The file is not Parquet, or a column of a house has an unsupported type.
        """
        with _readable():
            self._parquet = pq.ParquetFile(
                file,
                # Read page by page, not a whole column of a row group.
                buffer_size=_READ_BYTES,
                pre_buffer=False,
                thrift_string_size_limit=_MAX_FOOTER_STRINGS,
                thrift_container_size_limit=_MAX_FOOTER_ITEMS,
            )
            schema = self._parquet.schema_arrow
        stored, self._ranges = _pandas_index(schema)
        layout = layout_of([*schema.names, *self._ranges], with_price=with_price)
        # An index of a pandas table that is not a column of a house only numbers the rows.
        unknown = tuple(name for name in layout.unknown if name not in stored | self._ranges.keys())
        self.layout: Layout = replace(layout, unknown=unknown)
        self._stored_names = {name.strip(SPACES): name for name in schema.names}
        self._readers = {} if self.layout.repeated else self._column_readers(schema)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._parquet.close()

    @property
    def rows_of_groups(self) -> Sequence[int]:
        """The number of rows of each row group."""
        metadata = self._parquet.metadata
        return [metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)]

    def records(self, start: int = 0) -> Iterator[Record]:
        """Yield the records of the file after the first `start`. Row groups before them are not read.

        Raises:
            UnusableFile: The file is damaged.
        """
        number = start
        for columns in self.batches(_BATCH_ROWS, start):
            keys = list(columns)
            for row in zip(*(column.values() for column in columns.values()), strict=True):
                number += 1
                yield Record(number, dict(zip(keys, row, strict=True)), None, 0)

    def batches(self, rows: int, start: int = 0) -> Iterator[Mapping[str, Column]]:
        """Yield the columns of the file by key, at most `rows` rows at a time, after the first `start` rows.

        Raises:
            UnusableFile: The file is damaged.
        """
        before, first = 0, 0
        sizes = self.rows_of_groups
        while first < len(sizes) and before + sizes[first] <= start:
            before += sizes[first]
            first += 1
        groups = list(range(first, len(sizes)))
        stored = [self._stored_names[self.layout.names[key]] for key in self._readers]
        with _readable():
            for whole in self._parquet.iter_batches(rows, row_groups=groups, columns=stored, use_threads=False):
                batch = whole.slice(max(0, start - before))
                before += whole.num_rows - batch.num_rows
                if batch.num_rows:
                    yield {key: self._column(batch, key, before) for key in self.layout.names}
                before += batch.num_rows

    def _column(self, batch: pa.RecordBatch, key: str, before: int) -> Column:
        name = self.layout.names[key]
        if key in self._readers:
            array = batch.column(self._stored_names[name])
            decoded = array.dictionary_decode() if pa.types.is_dictionary(array.type) else array
            return Column(decoded, self._readers[key])
        index = self._ranges[name]
        numbers = [index.start + (before + row) * index.step for row in range(batch.num_rows)]
        return Column(pa.array(numbers), unchanged)

    def _column_readers(self, schema: pa.Schema) -> dict[str, ColumnReader]:
        readers: dict[str, ColumnReader] = {}
        unusable = []
        for key, name in self.layout.names.items():
            if name not in self._stored_names:
                continue
            field = schema.field(self._stored_names[name])
            reader = reader_for(field.type, is_survey=self.layout.is_survey)
            if reader is None:
                unusable.append(f"{name} ({str(field.type)[:40]})")
            else:
                readers[key] = reader
        if unusable:
            shown = ", ".join(unusable[:_MAX_COLUMNS_SHOWN])
            raise UnusableFile(f"Columns must hold integers, decimals, floats or text. Unsupported: {shown}.")
        return readers


@contextlib.contextmanager
def _readable() -> Iterator[None]:
    """Turn errors of pyarrow into `UnusableFile`."""
    try:
        yield
    except (pa.ArrowException, OSError, ValueError) as error:
        if isinstance(error, (BrokenPipeError, MemoryError, UnusableFile)):
            raise
        text = " ".join(str(error).split())[:_MAX_MESSAGE_CHARACTERS]
        raise UnusableFile(f"Not a readable Parquet file: {text}") from error


def _pandas_index(schema: pa.Schema) -> tuple[set[str], dict[str, _Range]]:
    """Return the names of the stored indexes, and the named indexes that are ranges, from the metadata of pandas."""
    try:
        described = json.loads((schema.metadata or {}).get(b"pandas", b"{}"))
        entries = described.get("index_columns", [])
        stored = {entry for entry in entries if isinstance(entry, str)}
        ranges = {
            str(entry["name"]): _Range(int(entry["start"]), int(entry["step"]))
            for entry in entries
            if isinstance(entry, dict) and entry.get("kind") == "range" and entry.get("name") is not None
        }
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        # The metadata is not needed to read the file.
        return set(), {}
    # A stored column comes before an index of the same name.
    return stored, {name: index for name, index in ranges.items() if name not in schema.names}
