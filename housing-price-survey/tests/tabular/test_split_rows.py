"""Rows can be read from any place of a file, so that a file can be split."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from housing_price_survey.tabular.errors import UnusableFile
from housing_price_survey.tabular.lines import MAX_ROW_BYTES, TOO_LONG
from housing_price_survey.tabular.names import NAME_OF_KEY
from housing_price_survey.tabular.parquet.rows import ParquetRows
from housing_price_survey.tabular.rows import CsvRows, NdjsonRows, TextRows
from housing_price_survey.typical import TYPICAL_HOUSE

TYPICAL_BY_NAME = {NAME_OF_KEY[key]: value for key, value in TYPICAL_HOUSE.items()}


def typical_houses(count: int) -> list[dict[str, Any]]:
    """Return typical houses by the names of the survey, without an id, with a lot area of their own."""
    return [TYPICAL_BY_NAME | {"LotArea": 5_000 + number} for number in range(count)]


def csv_rows(path: Path) -> TextRows:
    names = list(TYPICAL_BY_NAME)
    lines = [",".join("NA" if value is None else str(value) for value in row.values()) for row in typical_houses(9)]
    lines[3] = f'"{lines[3].partition(",")[0]}\n",{lines[3].partition(",")[2]}'
    lines[5] = ""
    lines[6] = "x" * (MAX_ROW_BYTES + 1)
    lines[7] = '"not closed'
    path.write_text("\n".join([",".join(names), *lines, ""]), encoding="utf-8")
    return CsvRows(path)


def ndjson_rows(path: Path) -> TextRows:
    lines = [json.dumps(row) for row in typical_houses(9)]
    lines[5] = " "
    lines[6] = "x" * (MAX_ROW_BYTES + 1)
    path.write_text("\r\n".join(lines), encoding="utf-8")
    return NdjsonRows(path)


@pytest.mark.parametrize("rows_of", [csv_rows, ndjson_rows])
def test_the_ends_of_rows_are_those_that_reading_gives(rows_of: Any, tmp_path: Path) -> None:
    rows: TextRows = rows_of(tmp_path / "houses")
    read = list(rows.after(0))
    ends = list(rows.ends())
    assert ends == [row.end for row in read]
    assert len(ends) == 8
    for number, end in enumerate(ends, 1):
        assert list(rows.after(end, number)) == read[number:]


@pytest.fixture
def parquet(tmp_path: Path) -> Path:
    path = tmp_path / "houses.parquet"
    pq.write_table(pa.Table.from_pylist(typical_houses(1_700)), path, row_group_size=600)
    return path


@pytest.mark.parametrize("before", [0, 1, 499, 500, 599, 600, 601, 1_199, 1_200, 1_699, 1_700, 1_701])
def test_a_parquet_file_is_read_from_any_row_and_its_rows_keep_their_numbers(parquet: Path, before: int) -> None:
    rows = ParquetRows(parquet)
    assert list(rows.rows_of_groups) == [600, 600, 500]
    documents = [json.loads(row.document or b"") for row in rows.after(count=before)]
    assert [one["id"] for one in documents] == list(range(before + 1, 1_701))
    assert [one["lotArea"] for one in documents] == list(range(5_000 + before, 6_700))


def test_an_empty_parquet_file_has_no_rows(tmp_path: Path) -> None:
    path = tmp_path / "houses.parquet"
    pq.write_table(pa.Table.from_pylist(typical_houses(1)).slice(1), path)
    assert list(ParquetRows(path).after()) == []


def test_a_parquet_row_that_is_too_long_as_a_line_is_a_problem(tmp_path: Path) -> None:
    path = tmp_path / "houses.parquet"
    houses = typical_houses(2)
    houses[0]["Street"] = "x" * MAX_ROW_BYTES
    pq.write_table(pa.Table.from_pylist(houses), path)
    assert [row.problem for row in ParquetRows(path).after()] == [TOO_LONG, None]


def test_a_parquet_file_without_the_columns_of_a_house_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "houses.parquet"
    pq.write_table(pa.table({"Street": ["Pave"], "MSSubClass": [20]}), path)
    with pytest.raises(UnusableFile, match="Columns must match the names of the survey"):
        ParquetRows(path)
