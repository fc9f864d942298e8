"""Valid, unusual and hostile Parquet files, read by the worker in a separate process."""

import io
import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from factories import house_json, houses_json
from housing_price_orchestrator.interface.documents.reading import read_house
from housing_price_orchestrator.shared.errors import InvalidDocument, JobInputUnusable
from housing_price_orchestrator.shared.ports import ModelIdentity, PriceEstimate
from housing_price_orchestrator.worker import write_results
from housing_price_orchestrator.worker.parquet.blocks import BlockFile
from housing_price_orchestrator.worker.parquet.convert import convert
from housing_price_orchestrator.worker.parquet.write import SCHEMA, ParquetResults
from housing_price_orchestrator.worker.priced_rows import PricedRow

LIMIT = 100_000_000


def converted(made: pa.Table | bytes, folder: Path, **limits: int) -> list[dict[str, Any]]:
    source, target = folder / "in.parquet", folder / "out.blocks"
    if isinstance(made, bytes):
        source.write_bytes(made)
    else:
        pq.write_table(made, source)
    try:
        convert(source, target, **{"max_bytes": LIMIT, **limits})
    except JobInputUnusable:
        assert list(folder.iterdir()) == [source], "a partial file was left behind"
        raise
    rows = [
        block.row(at) for block in BlockFile(target).blocks() for at in range(block.first, block.first + block.rows)
    ]
    return [json.loads(row.document or b"null") for row in rows]


def table_of(documents: list[dict[str, Any]], **columns: Any) -> pa.Table:
    frame = pa.Table.from_pylist(documents)
    for name, array in columns.items():
        frame = frame.set_column(frame.schema.get_field_index(name), name, array)
    return frame


def test_rows_become_the_documents_that_a_caller_of_the_api_would_send(tmp_path: Path) -> None:
    documents = houses_json(1_203)
    assert converted(table_of(documents), tmp_path) == documents


def test_integer_columns_that_pandas_stored_as_floats_are_read_as_integers(tmp_path: Path) -> None:
    """pandas stores an integer column with nulls as floats, with NaN for null."""
    documents = [house_json(id=1, garageCars=2), house_json(id=2)]
    frame = pd.DataFrame(documents).astype({"garageCars": "float64", "street": "category", "lotArea": "int16"})
    frame.loc[1, "lotFrontage"] = np.nan
    made = io.BytesIO()
    frame.to_parquet(made, engine="pyarrow")
    first, second = converted(made.getvalue(), tmp_path)
    assert (first["garageCars"], type(first["garageCars"])) == (2, int)
    assert second["lotFrontage"] is None
    for one in (first, second):
        read_house(json.dumps(one).encode())


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("garageCars", pa.array([1.5])),
        ("garageCars", pa.array(["2"])),
        ("lotArea", pa.array([float("nan")])),
        ("lotArea", pa.array([float("inf")])),
        ("lotArea", pa.array([2**63 - 1])),
        ("lotArea", pa.array([None], pa.int64())),
        ("street", pa.array([1])),
        ("street", pa.array([None], pa.null())),
        ("street", pa.array(["x" * 60_000])),
    ],
)
def test_an_invalid_value_refuses_only_its_row(column: str, value: pa.Array, tmp_path: Path) -> None:
    (document,) = converted(table_of([house_json()], **{column: value}), tmp_path)
    with pytest.raises(InvalidDocument) as refused:
        read_house(json.dumps(document).encode())
    assert {one["loc"][1] for one in refused.value.findings} == {column}


GOOD = house_json()


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (table_of([GOOD]).append_column("colour", pa.array(["red"])), "Unknown: 'colour'"),
        (table_of([GOOD]).append_column("id", pa.array([1])), "Repeated: 'id'"),
        (table_of([GOOD]).drop_columns(["lotArea"]), "Missing: 'lotArea'"),
        (pa.table({f"column{number}": [1] for number in range(2_000)}), "Unknown"),
        (table_of([GOOD], lotArea=pa.array([[1]])), r"lotArea \(list"),
        (table_of([GOOD], lotArea=pa.array([{"a": 1}])), r"lotArea \(struct"),
        (table_of([GOOD], lotArea=pa.array([b"1"])), r"lotArea \(binary"),
        (table_of([GOOD], lotArea=pa.array([True])), r"lotArea \(bool"),
        (table_of([GOOD], yearBuilt=pa.array([0], pa.timestamp("s"))), r"yearBuilt \(timestamp"),
    ],
)
def test_columns_that_do_not_match_a_house_are_named(made: pa.Table, reason: str, tmp_path: Path) -> None:
    with pytest.raises(JobInputUnusable, match=reason):
        converted(made, tmp_path)


def bytes_of(table: pa.Table, **options: Any) -> bytes:
    made = io.BytesIO()
    pq.write_table(table, made, **options)
    return made.getvalue()


WHOLE = bytes_of(table_of(houses_json(500)))


@pytest.mark.parametrize(
    "content",
    [
        b"id,lotArea\n1,2\n",
        b"PAR1",
        b"PAR1" + b"\xff" * 500 + b"\xff\xff\xff\x7fPAR1",
        WHOLE[: len(WHOLE) // 2],
        WHOLE[:-1],
        WHOLE[:-8] + b"\xff\xff\xff\xff" + WHOLE[-4:],
        WHOLE[: len(WHOLE) // 4] + b"\0" * (len(WHOLE) // 8) + WHOLE[len(WHOLE) // 4 + len(WHOLE) // 8 :],
    ],
    ids=["csv", "magic", "noise", "half", "short", "footer", "hole"],
)
def test_files_that_are_damaged_or_not_parquet_are_refused(content: bytes, tmp_path: Path) -> None:
    with pytest.raises(JobInputUnusable):
        converted(content, tmp_path)


@pytest.mark.full
def test_random_damage_is_refused_or_read_but_never_crashes(tmp_path: Path) -> None:
    dice = np.random.default_rng(7)
    for _ in range(12):
        damaged = bytearray(WHOLE)
        # Mostly in the footer, which describes the layout of the file.
        for at in dice.integers(len(damaged) - 12_000, len(damaged) - 8, 20):
            damaged[at] = dice.integers(256)
        try:
            converted(bytes(damaged), tmp_path)
        except JobInputUnusable:
            continue
        (tmp_path / "out.blocks").unlink()


def bomb(rows: int, text: str) -> pa.Table:
    """A table of identical rows, which compresses to almost nothing."""
    one = table_of([GOOD | {"street": text}])
    return pa.table({name: pa.repeat(one.column(name)[0], rows) for name in one.column_names})


def test_a_small_file_with_many_rows_is_refused_at_the_size_limit(tmp_path: Path) -> None:
    content = bytes_of(bomb(300_000, "Pave"), compression="zstd")
    assert len(content) < 200_000
    with pytest.raises(JobInputUnusable, match="exceed 1000000 bytes"):
        converted(content, tmp_path, max_bytes=1_000_000)


@pytest.mark.full
def test_a_file_that_needs_too_much_memory_is_refused_with_a_reason(tmp_path: Path) -> None:
    table = table_of([GOOD | {"street": "x" * 100_000_000}])
    table = pa.table({name: pa.array([table.column(name)[0].as_py()] * 3) for name in table.column_names})
    with pytest.raises(JobInputUnusable, match="too much memory"):
        converted(bytes_of(table, compression="zstd", use_dictionary=False), tmp_path, max_memory_megabytes=128)


@pytest.mark.full
def test_a_large_row_group_is_read_within_the_memory_limit(tmp_path: Path) -> None:
    documents = houses_json(200) * 200
    table = table_of(documents)
    assert table.nbytes > 20_000_000
    found = converted(bytes_of(table, row_group_size=10**9), tmp_path, max_memory_megabytes=64)
    assert found == documents


def priced(numbers: range) -> list[PricedRow]:
    model = ModelIdentity("house-price", "1", "m-1")
    return [PricedRow(one, 10 + one, PriceEstimate(1000.5 + one, 900.0, 1100.0, model)) for one in numbers]


def test_parts_are_joined_in_order(tmp_path: Path) -> None:
    parts = [tmp_path / str(number) for number in range(4)]
    for path, numbers in zip(parts, (range(1, 3), range(0), range(3, 4), range(4, 9)), strict=True):
        path.write_bytes(ParquetResults().write(priced(numbers)))
    with (tmp_path / "all").open("wb") as target:
        ParquetResults().join(parts, target)
    table = pq.read_table(tmp_path / "all")
    assert table.schema.equals(SCHEMA)
    assert table.column("row").to_pylist() == list(range(1, 9))
    assert table.column("predictedPrice").to_pylist() == [1000.5 + one for one in range(1, 9)]
    with (tmp_path / "none").open("wb") as target:
        ParquetResults().join([], target)
    assert pq.read_table(tmp_path / "none").num_rows == 0


def test_a_worker_without_pyarrow_refuses_parquet_and_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(write_results, "find_spec", lambda _: None)
    with pytest.raises(JobInputUnusable, match="extra `worker`"):
        write_results.result_format("parquet")


def test_the_reader_ends_when_its_output_is_closed(tmp_path: Path) -> None:
    """A killed worker leaves no reader running."""
    source = tmp_path / "in.parquet"
    source.write_bytes(bytes_of(bomb(300_000, "Pave")))
    module = "housing_price_orchestrator.worker.parquet.read"
    reader = subprocess.Popen([sys.executable, "-m", module, str(source), "256"], stdout=subprocess.PIPE)
    assert reader.stdout is not None
    assert reader.stdout.read(1000)
    reader.stdout.close()
    assert reader.wait(timeout=60) in {1, -signal.SIGPIPE}
