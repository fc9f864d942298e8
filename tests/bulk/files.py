"""Files of houses in every format, for the tests of bulk scoring."""

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

FORMATS = ("csv", "ndjson", "parquet")


def write_houses(path: Path, houses: Sequence[dict[str, Any]], *, rows_per_group: int | None = None) -> Path:
    """Write houses in the format of the file's suffix."""
    match path.suffix:
        case ".csv":
            text = io.StringIO(newline="")
            writer = csv.DictWriter(text, houses[0])
            writer.writeheader()
            writer.writerows(houses)
            path.write_text(text.getvalue(), encoding="utf-8", newline="")
        case ".ndjson":
            path.write_bytes(b"".join(json.dumps(house).encode() + b"\n" for house in houses))
        case ".parquet":
            pq.write_table(pa.Table.from_pylist(list(houses)), path, row_group_size=rows_per_group)
        case _:
            raise ValueError(path)
    return path


def names_in(folder: Path) -> list[str]:
    """Return the sorted names in a folder, hidden ones too."""
    return sorted(path.name for path in folder.iterdir())
