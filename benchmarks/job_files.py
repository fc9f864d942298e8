"""Large files of houses for scoring jobs, and the check of their results."""

import csv
import io
import json
from collections.abc import Callable, Iterator
from itertools import batched
from pathlib import Path
from typing import BinaryIO, Final

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks import houses
from benchmarks.paths import STATE
from housing_price_platform.files import write_atomically

CONTENT_TYPES: Final = {
    "csv": "text/csv",
    "ndjson": "application/x-ndjson",
    "parquet": "application/vnd.apache.parquet",
}
"""The formats of jobs."""

_ROWS_AT_A_TIME: Final = 20_000

type PriceOfRow = tuple[int, int, float]
"""The number of a row, its id and its price."""


def input_file(file_format: str, rows: int) -> Path:
    """Return a file of this many rows: the houses of the survey in turns, each row with its number as id."""
    path = STATE / "jobs" / f"{rows}.{file_format}"
    if not path.exists():
        write_atomically(path, lambda file: _WRITERS[file_format](file, rows), parents=True, is_durable=False)
    return path


def count_wrong(result: Path, file_format: str, rows: int, expected: Path) -> int:
    """Return how many rows of a result are missing, out of order or not exactly the model's price of their house."""
    prices = [price for price, _, _ in json.loads(expected.read_bytes())["prices"]]
    count = wrong = 0
    for number, house_id, price in _READERS[file_format](result):
        wrong += (number, house_id, price) != (count + 1, count + 1, prices[count % len(prices)])
        count += 1
    return wrong + abs(rows - count)


def _write_csv(file: BinaryIO, rows: int) -> None:
    file.write(_csv_line(list(houses.documents()[0])))
    # The id is the first cell.
    lines = [_csv_line(list(document.values())).partition(b",")[2] for document in houses.documents()]
    file.writelines(b"%d,%b" % (number, lines[(number - 1) % len(lines)]) for number in range(1, rows + 1))


def _csv_line(cells: list[object]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerow(cells)
    return text.getvalue().encode()


def _write_ndjson(file: BinaryIO, rows: int) -> None:
    # The id is the first member.
    lines = [orjson.dumps(document).partition(b",")[2] for document in houses.documents()]
    file.writelines(b'{"id":%d,%b\n' % (number, lines[(number - 1) % len(lines)]) for number in range(1, rows + 1))


def _write_parquet(file: BinaryIO, rows: int) -> None:
    documents = houses.documents()
    table = pa.Table.from_pylist(documents)
    with pq.ParquetWriter(file, table.schema) as writer:
        for some in batched(range(1, rows + 1), _ROWS_AT_A_TIME, strict=False):
            part = table.take(pa.array([(number - 1) % len(documents) for number in some]))
            writer.write_table(part.set_column(0, "id", pa.array(some, table.schema.field("id").type)))


def _read_csv(path: Path) -> Iterator[PriceOfRow]:
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.reader(file)
        next(rows)
        for row in rows:
            yield int(row[0]), int(row[1]), float(row[2])


def _read_ndjson(path: Path) -> Iterator[PriceOfRow]:
    with path.open("rb") as file:
        for line in file:
            row = orjson.loads(line)
            yield row["row"], row["id"], row["predictedPrice"]


def _read_parquet(path: Path) -> Iterator[PriceOfRow]:
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(columns=["row", "id", "predictedPrice"]):
            yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)


_WRITERS: Final[dict[str, Callable[[BinaryIO, int], None]]] = {
    "csv": _write_csv,
    "ndjson": _write_ndjson,
    "parquet": _write_parquet,
}
_READERS: Final[dict[str, Callable[[Path], Iterator[PriceOfRow]]]] = {
    "csv": _read_csv,
    "ndjson": _read_ndjson,
    "parquet": _read_parquet,
}
