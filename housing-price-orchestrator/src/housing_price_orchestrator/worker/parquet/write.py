"""Writes results as parquet: a group of rows for each step."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from housing_price_orchestrator.worker.priced_rows import COLUMNS, Priced, cells_of

_TYPES = (*(pa.int64(),) * 2, *(pa.float64(),) * 4, *(pa.string(),) * 3)
SCHEMA = pa.schema([pa.field(name, kind, nullable=False) for name, kind in zip(COLUMNS, _TYPES, strict=True)])
"""The columns of a result, as in CSV."""


class ParquetResults:
    """A `ResultFormat`: each part is a file of parquet."""

    def write(self, rows: Sequence[Priced], /) -> bytes:
        """Write the rows of one step."""
        columns = list(zip(*map(cells_of, rows), strict=True)) or [()] * len(COLUMNS)
        table = pa.table([pa.array(one, kind) for one, kind in zip(columns, _TYPES, strict=True)], schema=SCHEMA)
        made = io.BytesIO()
        pq.write_table(table, made)
        return made.getvalue()

    def join(self, parts: Sequence[Path], target: BinaryIO, /) -> None:
        """Write the groups of rows of all parts as one file."""
        with pq.ParquetWriter(target, SCHEMA) as writer:
            for part in parts:
                with part.open("rb") as file:
                    table = pq.read_table(file)
                if table.num_rows:
                    writer.write_table(table)
