"""Rows of Parquet files that are passed on as blocks are those that a caller of the API would send."""

import io
import json
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from factories import houses_json
from housing_price_orchestrator.interface.documents.lines import read_named_house
from housing_price_orchestrator.provider.model_server.columns import row_of, write_row
from housing_price_orchestrator.shared.errors import (
    DocumentTooLarge,
    HousingPriceError,
    InvalidDocument,
    JobInputUnusable,
)
from housing_price_orchestrator.shared.view.record import EncodedHouse
from housing_price_orchestrator.worker.parquet import write_blocks
from housing_price_orchestrator.worker.parquet.blocks import MAX_BLOCK_ROWS, Block, BlockFile
from housing_price_orchestrator.worker.parquet.write_blocks import blocks
from housing_price_orchestrator.worker.read_rows import BLOCKS, Row, count_rows, read_rows
from housing_price_survey.tabular.lines import MAX_ROW_BYTES
from housing_price_survey.tabular.numbers import parse_number
from housing_price_survey.tabular.parquet.table import ParquetTable
from housing_price_survey.tabular.rows import to_json
from survey_files import KEYS, SURVEY_NAMES, houses, values


def cells(names: list[str], count: int = 6) -> list[dict[str, Any]]:
    return [dict(zip(names, map(_typed, values(house)), strict=True)) for house in houses(count)]


def _typed(cell: str) -> Any:
    return None if cell == "" else cell if parse_number(cell) is None else parse_number(cell)


def table_of(documents: list[dict[str, Any]], **columns: pa.Array) -> pa.Table:
    table = pa.Table.from_pylist(documents)
    for name, array in columns.items():
        table = table.set_column(table.schema.get_field_index(name), name, array)
    return table


def written(made: pa.Table, path: Path, **options: Any) -> list[str]:
    """Write the blocks of a table to a file; returns its records as JSON, one by one."""
    content = io.BytesIO()
    pq.write_table(made, content, **options)
    with ParquetTable(content) as table:
        nulls = table.layout.nulls()
        path.write_bytes(b"".join(blocks(table)))
        return [to_json({"id": one.line} | nulls | (one.values or {})).decode() for one in table.records()]


def documents_in(path: Path) -> list[str]:
    return [
        (block.row(number).document or b"").decode()
        for block in BlockFile(path).blocks()
        for number in range(block.first, block.first + block.rows)
    ]


def read(path: Path, *, offset: int = 0, count: int = 0) -> list[Row]:
    return list(read_rows(path, BLOCKS, read_named_house, offset=offset, count=count))


@pytest.mark.parametrize("names", [KEYS, SURVEY_NAMES], ids=["keys", "survey"])
@pytest.mark.parametrize(
    ("key", "array"),
    [
        ("lotArea", pa.array([1, None, 3, 3, 1, 2**63 - 1])),
        ("lotArea", pa.array([1, None, 3, 3, 1, 2**64 - 1], pa.uint64())),
        ("lotArea", pa.array([0.5, None, float("nan"), float("inf"), -0.0, 7.0])),
        ("lotArea", pa.array([0.5, None, float("nan"), 1.5, 1.5, 7.0], pa.float32())),
        ("lotArea", pa.array(np.array([0.5, 1, 2, 1, 0.5, 7], np.float16))),
        ("lotArea", pa.array([Decimal("1.50"), None, Decimal("2.00"), *[Decimal("1.50")] * 3])),
        ("lotArea", pa.array([None] * 6)),
        ("street", pa.array(["Pave", None, " Grvl ", "NA", "", 'é"\n\t'])),
        ("street", pa.array(["Pave", None, " Grvl ", "NA", "", "Pave"], pa.large_string())),
        ("street", pa.array(["Pave", None, " Grvl ", "NA", "", "Pave"], pa.string_view())),
        ("street", pa.array(["Pave", None, "Pave", "Grvl", "", "Pave"]).dictionary_encode()),
    ],
    ids=lambda value: str(value.type) if isinstance(value, pa.Array) else value,
)
def test_blocks_hold_the_records(names: list[str], key: str, array: pa.Array, tmp_path: Path) -> None:
    table = table_of(cells(names), **{names[KEYS.index(key)]: array})
    records = written(table, tmp_path / "x")
    documents = documents_in(tmp_path / "x")
    assert [json.loads(document) for document in documents] == [json.loads(record) for record in records]
    assert len(documents) == 6
    for row, document in zip(read(tmp_path / "x"), documents, strict=True):
        assert_as_contract(row, document)


def assert_as_contract(row: Row, document: str) -> None:
    """Assert that a row is the house, or the error, that the contract makes of its document."""
    if isinstance(row.house, HousingPriceError):
        with pytest.raises(InvalidDocument) as refused:
            read_named_house(document.encode(), {})
        assert isinstance(row.house, InvalidDocument)
        assert row.house.findings == refused.value.findings
        return
    expected = read_named_house(document.encode(), {})
    assert (row.house.id, row_of(row.house)) == (expected.id, row_of(expected))
    if isinstance(row.house, EncodedHouse):
        assert row.house.row == write_row(row_of(expected))


def test_rows_of_several_blocks_are_numbered_and_have_null_for_what_is_missing(tmp_path: Path) -> None:
    missing = {"Alley", "Fence", "PoolQC"}
    documents = [{name: house[name] for name in house if name not in missing} for house in cells(SURVEY_NAMES)]
    count = MAX_BLOCK_ROWS + 6
    made = table_of((documents * (count // 6 + 1))[:count])
    records = written(made, tmp_path / "x", row_group_size=1_501)
    assert documents_in(tmp_path / "x") == records
    rows = read(tmp_path / "x")
    assert [row.house.id for row in rows if isinstance(row.house, EncodedHouse)] == list(range(1, count + 1))
    assert {json.loads(record)["alley"] for record in records} == {None}
    assert count_rows(tmp_path / "x", BLOCKS) == count


@pytest.mark.parametrize("before", [1, 399, 400, 401, 999])
def test_reading_goes_on_after_any_row(before: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(write_blocks, "MAX_BLOCK_ROWS", 400)
    documents = houses_json(1_000)
    documents[401]["street"] = "Gravel"
    written(table_of(documents), tmp_path / "x")
    rows = read(tmp_path / "x")
    rest = read(tmp_path / "x", offset=rows[before - 1].end, count=before)
    assert len(rest) == 1_000 - before
    for row, other in zip(rest, rows[before:], strict=True):
        assert row.end == other.end
        if isinstance(row.house, EncodedHouse):
            assert row == other
    assert [type(row.house) for row in rest] == [type(row.house) for row in rows[before:]]
    assert read(tmp_path / "x", offset=rows[-1].end, count=1_000) == []


@pytest.mark.parametrize("house_id", [0, -5, 7, 2**53, 2**63 - 1, 10**25, "7", None, 1.5])
def test_an_id_is_read_as_the_contract_reads_it(house_id: object, tmp_path: Path) -> None:
    values = pa.array([Decimal(house_id)] if house_id == 10**25 else [house_id])
    (record,) = written(table_of(houses_json(1), id=values), tmp_path / "x")
    (row,) = read(tmp_path / "x")
    assert_as_contract(row, record)


def test_a_row_whose_document_is_too_long_is_refused_alone(tmp_path: Path) -> None:
    documents = houses_json(3)
    spare = MAX_ROW_BYTES - len(to_json(documents[1])) + len(documents[1]["street"])
    documents[0]["street"], documents[1]["street"] = "x" * (spare - 1), "x" * spare
    written(table_of(documents), tmp_path / "x")
    first, second, third = (row.house for row in read(tmp_path / "x"))
    assert isinstance(first, InvalidDocument)
    assert isinstance(second, DocumentTooLarge)
    assert isinstance(third, EncodedHouse)


def test_blocks_of_large_values_have_fewer_rows(tmp_path: Path) -> None:
    documents = [{**house, "street": f"{at:05}" * 10_000} for at, house in enumerate(houses_json(400))]
    records = written(table_of(documents), tmp_path / "x")
    found: list[Block] = list(BlockFile(tmp_path / "x").blocks())
    assert len(found) > 1
    assert max(block.end - block.start for block in found) < 2 * write_blocks.MAX_BLOCK_BYTES
    assert documents_in(tmp_path / "x") == records


@pytest.mark.parametrize("part", [0.25, 0.5, 0.99])
def test_a_file_that_ends_inside_a_block_fails_the_job(part: float, tmp_path: Path) -> None:
    path = tmp_path / "x"
    written(table_of(houses_json(20)), path)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * part)])
    with pytest.raises(JobInputUnusable, match="damaged"):
        read(path)


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b"[]\n",
        b'{"first":1,"rows":0,"columns":[]}\n',
        b'{"first":1,"rows":100000,"columns":[]}\n',
        b'{"first":1,"rows":1,"columns":[["id",-1]]}\n\0\0',
        b'{"first":1,"rows":1,"columns":[["id",1000000000000]]}\n\0\0',
        b'{"first":1,"rows":1,"columns":[["id",1]]}\n7\1\0',
    ],
    ids=["half", "list", "none", "many", "negative", "large", "position"],
)
def test_invalid_blocks_fail_the_job(content: bytes, tmp_path: Path) -> None:
    """The process that parses the Parquet file is not trusted."""
    path = tmp_path / "x"
    path.write_bytes(content)
    with pytest.raises(JobInputUnusable, match="damaged"):
        read(path)


def test_blocks_are_read_one_by_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(write_blocks, "MAX_BLOCK_ROWS", 10)
    written(table_of(houses_json(30)), tmp_path / "x")
    content = (tmp_path / "x").read_bytes()
    (tmp_path / "x").write_bytes(content[:-1])
    rows = read_rows(tmp_path / "x", BLOCKS, read_named_house, offset=0, count=0)
    assert len(list(islice(rows, 20))) == 20
