"""Writes results as Parquet: one or more row groups per step."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, Final

import pyarrow as pa
import pyarrow.parquet as pq

from housing_price_orchestrator.worker.priced_rows import COLUMNS, PricedRow, cells_of

_TYPES: Final = (*(pa.int64(),) * 2, *(pa.float64(),) * 4, *(pa.string(),) * 3)
SCHEMA: Final = pa.schema([pa.field(name, kind, nullable=False) for name, kind in zip(COLUMNS, _TYPES, strict=True)])
"""The columns of a result, the same as in CSV."""


class ParquetResults:
    """A `ResultFormat` whose parts are Parquet files."""

    def write(self, rows: Sequence[PricedRow], /) -> bytes:
        """Format the rows of one step as a Parquet file."""
        columns = list(zip(*map(cells_of, rows), strict=True)) or [()] * len(COLUMNS)
        table = pa.table([pa.array(values, kind) for values, kind in zip(columns, _TYPES, strict=True)], schema=SCHEMA)
        content = io.BytesIO()
        pq.write_table(table, content)
        return content.getvalue()

    def join(self, parts: Sequence[Path], target: BinaryIO, /) -> None:
        """Write the row groups of all parts to one file."""
        with pq.ParquetWriter(target, SCHEMA) as writer:
            for part in parts:
                with part.open("rb") as file:
                    table = pq.read_table(file)
                if table.num_rows:
                    writer.write_table(table)
