"""Writes the rows of a Parquet file as JSON lines, column by column. Needs pyarrow: the extra `parquet`.

A batch of a column has few different values. Each of them becomes JSON once, and Arrow copies it to its rows and joins
the columns. That takes two thirds of the time of a dictionary per row.
"""

from collections.abc import Iterable, Iterator
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from housing_price_survey.tabular.names import ID_KEY
from housing_price_survey.tabular.parquet.columns import Column
from housing_price_survey.tabular.parquet.table import ParquetTable
from housing_price_survey.tabular.rows import to_json

_BATCH_ROWS: Final = 2_000


def json_lines(table: ParquetTable) -> Iterator[bytes]:
    """Yield the rows as documents that a caller of the API would send, one per line, many at a time.

    A row without an id gets its number, from 1.

    Raises:
        UnusableFile: The file is damaged.
    """
    # The id comes first, then the features that the file does not have.
    after_id = b"".join(b"," + _start_of(key) + b"null" for key in table.layout.nulls())
    number = 1
    for columns in table.batches(_BATCH_ROWS):
        count = len(next(iter(columns.values())).array)
        if ID_KEY in columns:
            ids = _members(ID_KEY, columns[ID_KEY])
        else:
            ids = _array_of(ID_KEY, range(number, number + count))
        features = [_members(key, column) for key, column in columns.items() if key != ID_KEY]
        start, end = (pa.scalar(text, pa.binary()) for text in (b"{", b"}\n"))
        members = pc.binary_join_element_wise(
            pc.binary_join_element_wise(ids, pa.scalar(after_id, pa.binary()), pa.scalar(b"", pa.binary())),
            *features,
            pa.scalar(b",", pa.binary()),
        )
        lines = pc.binary_join_element_wise(start, members, end, pa.scalar(b"", pa.binary()))
        yield b"".join(lines.to_pylist())
        number += count


def _members(key: str, column: Column) -> pa.Array:
    """Return the members of the documents, such as `"lotArea":8450`, for one key."""
    array, types = column.array, pa.types
    kind = array.type
    if types.is_integer(kind) or types.is_float32(kind) or types.is_float64(kind) or types.is_string(kind):
        encoded = array.dictionary_encode(null_encoding="encode")
        return _array_of(key, column.read(encoded.dictionary)).take(encoded.indices)
    return _array_of(key, column.values())


def _array_of(key: str, values: Iterable[object]) -> pa.Array:
    start = _start_of(key)
    return pa.array([start + to_json(value) for value in values], pa.binary())


def _start_of(key: str) -> bytes:
    return to_json(key) + b":"
