"""Reads Parquet files, also with what pandas and other writers add. Needs pyarrow: the extra `parquet`."""

import contextlib
import json
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, BinaryIO, Final, NamedTuple, Self

import pyarrow as pa
import pyarrow.parquet as pq

from housing_price_survey.tabular.errors import UnusableFile
from housing_price_survey.tabular.names import BLANKS, SPACES, Layout, layout_of
from housing_price_survey.tabular.numbers import integer_of
from housing_price_survey.tabular.records import Record

_BATCH_ROWS: Final = 500
"""Rows read into memory at a time."""
_READ_BYTES: Final = 64 * 1024
_MAX_FOOTER_STRINGS: Final = 1024 * 1024
_MAX_FOOTER_ITEMS: Final = 4 * 1024 * 1024
_MAX_MESSAGE_CHARACTERS: Final = 300
_MAX_COLUMNS_SHOWN: Final = 10

type _Values = Sequence[object]
type _ColumnReader = Callable[[pa.Array], _Values]


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

    def records(self) -> Iterator[Record]:
        """Yield the records of the file.

        Raises:
            UnusableFile: The file is damaged.
        """
        number = 0
        columns = [self._stored_names[self.layout.names[key]] for key in self._readers]
        for batch in self._batches(columns):
            keys = list(self.layout.names)
            values = [self._values(batch, key, number) for key in keys]
            for row in zip(*values, strict=True):
                number += 1
                yield Record(number, dict(zip(keys, row, strict=True)), None, 0)

    def _batches(self, columns: list[str]) -> Iterator[pa.RecordBatch]:
        with _readable():
            yield from self._parquet.iter_batches(batch_size=_BATCH_ROWS, columns=columns, use_threads=False)

    def _values(self, batch: pa.RecordBatch, key: str, before: int) -> _Values:
        name = self.layout.names[key]
        if key in self._readers:
            return self._readers[key](batch.column(self._stored_names[name]))
        index = self._ranges[name]
        return [index.start + (before + row) * index.step for row in range(batch.num_rows)]

    def _column_readers(self, schema: pa.Schema) -> dict[str, _ColumnReader]:
        readers: dict[str, _ColumnReader] = {}
        unusable = []
        for key, name in self.layout.names.items():
            if name not in self._stored_names:
                continue
            field = schema.field(self._stored_names[name])
            reader = _reader_for(field.type, is_survey=self.layout.is_survey)
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


def _reader_for(kind: pa.DataType, *, is_survey: bool) -> _ColumnReader | None:
    types = pa.types
    reader: _ColumnReader | None = None
    if types.is_dictionary(kind):
        value_reader = _reader_for(kind.value_type, is_survey=is_survey)
        reader = None if value_reader is None else lambda array: value_reader(array.dictionary_decode())
    elif types.is_null(kind):
        reader = _nulls
    elif types.is_integer(kind):
        reader = _unchanged
    elif types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind):
        reader = _trimmed if is_survey else _unchanged
    elif types.is_floating(kind):
        reader = _measured if is_survey else _numbers
    elif types.is_decimal(kind):
        reader = _decimals
    return reader


def _nulls(array: pa.Array) -> _Values:
    return [None] * len(array)


def _unchanged(array: pa.Array) -> _Values:
    return list(array.to_pylist())


def _trimmed(array: pa.Array) -> _Values:
    texts = [None if text is None else text.strip(SPACES) for text in array.to_pylist()]
    return [None if text in BLANKS else text for text in texts]


def _numbers(array: pa.Array) -> _Values:
    return [None if value is None else _number(value) for value in array.cast(pa.float64()).to_pylist()]


def _measured(array: pa.Array) -> _Values:
    """Read numbers of a file with the survey's names, in which NaN means "absent"."""
    values = array.cast(pa.float64()).to_pylist()
    return [None if value is None or math.isnan(value) else _number(value) for value in values]


def _number(value: float) -> object:
    if value.is_integer():
        return int(value)
    # JSON has no NaN or infinity. As text, validation rejects the value and names the field.
    return value if math.isfinite(value) else str(value)


def _decimals(array: pa.Array) -> _Values:
    return [None if value is None else _decimal(value) for value in array.to_pylist()]


def _decimal(value: Decimal) -> Any:
    integer = integer_of(str(value))
    return float(value) if integer is None else integer
