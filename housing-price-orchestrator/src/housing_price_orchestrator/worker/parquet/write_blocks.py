"""Writes the rows of a Parquet file as blocks (`blocks.py`). Needs pyarrow: the extra `worker`."""

from collections.abc import Iterator, Mapping
from typing import Final

import msgspec
import pyarrow as pa

from housing_price_orchestrator.worker.parquet.blocks import MAX_BLOCK_ROWS, POSITION_BYTES, ColumnSize, Header
from housing_price_survey.tabular.parquet.columns import Column
from housing_price_survey.tabular.parquet.table import ParquetTable
from housing_price_survey.tabular.rows import to_json

MAX_BLOCK_BYTES: Final = 8 * 1024 * 1024
"""Maximum size of the values of a block in Arrow's memory; blocks with larger values have fewer rows."""


def blocks(table: ParquetTable) -> Iterator[bytes]:
    """Yield the rows of a file as blocks.

    Raises:
        UnusableFile: The file is damaged.
    """
    number = 1
    for batch in table.batches(MAX_BLOCK_ROWS):
        for columns in _parts(batch):
            yield _block(columns, number)
            number += _count(columns)


def _parts(columns: Mapping[str, Column]) -> Iterator[Mapping[str, Column]]:
    """Halve a batch of rows until its values are small enough."""
    count = _count(columns)
    if count == 1 or sum(column.array.nbytes for column in columns.values()) <= MAX_BLOCK_BYTES:
        yield columns
        return
    half = count // 2
    for part in (slice(half), slice(half, None)):
        yield from _parts({key: column._replace(array=column.array[part]) for key, column in columns.items()})


def _count(columns: Mapping[str, Column]) -> int:
    return len(next(iter(columns.values())).array)


def _block(columns: Mapping[str, Column], number: int) -> bytes:
    count = _count(columns)
    sizes, contents = [], []
    for key, column in columns.items():
        values, positions = _encoded(column)
        sizes.append(ColumnSize(key, len(values)))
        contents += [values, positions]
    return b"".join((msgspec.json.encode(Header(number, count, sizes)), b"\n", *contents))


def _encoded(column: Column) -> tuple[bytes, bytes]:
    """Return the different values of a column, one per line, and the position of the value of each row."""
    array, types = column.array, pa.types
    kind = array.type
    if types.is_integer(kind) or types.is_float32(kind) or types.is_float64(kind) or types.is_string(kind):
        encoded = array.dictionary_encode(null_encoding="encode")
        # JSON has no line ends inside.
        values = map(to_json, column.read(encoded.dictionary))
    else:
        # Arrow has no dictionaries of these types.
        encoded = pa.array(map(to_json, column.values()), pa.binary()).dictionary_encode()
        values = encoded.dictionary.to_pylist()
    positions = encoded.indices.cast(pa.uint16()).buffers()[1]
    return b"\n".join(values), positions.to_pybytes()[: len(array) * POSITION_BYTES]
