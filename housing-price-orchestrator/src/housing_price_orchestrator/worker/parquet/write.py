"""Writes results as Parquet: one or more row groups per step."""

import io
from collections.abc import Iterable, Sequence
from itertools import batched
from pathlib import Path
from typing import BinaryIO, Final

import pyarrow as pa
import pyarrow.parquet as pq

from housing_price_orchestrator.worker.priced_rows import COLUMNS, PricedRow, cells_of

_TYPES: Final = (*(pa.int64(),) * 2, *(pa.float64(),) * 4, *(pa.string(),) * 3)
SCHEMA: Final = pa.schema([pa.field(name, kind, nullable=False) for name, kind in zip(COLUMNS, _TYPES, strict=True)])
"""The columns of a result, the same as in CSV."""

_BATCH_ROWS: Final = 1_000
"""Rows that are kept as Python objects; they take ten times the memory of Arrow's."""


class ParquetResults:
    """A `ResultFormat` whose parts are Parquet files."""

    has_warnings: Final = False

    def write(self, rows: Iterable[PricedRow], /) -> bytes:
        """Format the rows of one step as a Parquet file."""
        batches = [_batch_of(some) for some in batched(map(cells_of, rows), _BATCH_ROWS, strict=False)]
        # In one piece, so that the file does not depend on the size of the batches.
        table = pa.Table.from_batches(batches, SCHEMA).combine_chunks()
        content = io.BytesIO()
        pq.write_table(table, content)
        return content.getvalue()

    def join(self, parts: Iterable[Path], target: BinaryIO, /) -> None:
        """Write the row groups of all parts to one file."""
        with pq.ParquetWriter(target, SCHEMA) as writer:
            for part in parts:
                with part.open("rb") as file:
                    table = pq.read_table(file)
                if table.num_rows:
                    writer.write_table(table)


def _batch_of(rows: Sequence[tuple[object, ...]]) -> pa.RecordBatch:
    columns = zip(*rows, strict=True)
    arrays = [pa.array(values, kind) for values, kind in zip(columns, _TYPES, strict=True)]
    return pa.record_batch(arrays, schema=SCHEMA)
