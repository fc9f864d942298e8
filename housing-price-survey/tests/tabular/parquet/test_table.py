"""Parquet files of houses, as pandas, polars, Spark and DuckDB write them."""

import io
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from housing_price_survey.tabular.errors import UnusableFile
from housing_price_survey.tabular.names import check_layout
from housing_price_survey.tabular.numbers import parse_number
from housing_price_survey.tabular.parquet.table import ParquetTable
from survey_files import KEYS, SPACED_NAMES, SURVEY_NAMES, houses, values


def cells(names: list[str], count: int = 6) -> list[dict[str, Any]]:
    return [
        dict(zip(names, [_typed(cell) for cell in values(house)], strict=True)) | {"id": 100 + at}
        for at, house in enumerate(houses(count))
    ]


def _typed(cell: str) -> Any:
    return None if cell == "" else cell if parse_number(cell) is None else parse_number(cell)


HOUSES = cells(KEYS)


def read(made: pa.Table | pd.DataFrame, **options: Any) -> list[dict[str, object]]:
    content = io.BytesIO()
    if isinstance(made, pd.DataFrame):
        made.to_parquet(content, engine="pyarrow", **options)
    else:
        pq.write_table(made, content, **options)
    content.seek(0)
    with ParquetTable(content) as table:
        check_layout(table.layout, "Columns")
        return [record.values or {} for record in table.records()]


def table_of(documents: list[dict[str, Any]], **columns: pa.Array) -> pa.Table:
    table = pa.Table.from_pylist(documents)
    for name, array in columns.items():
        table = table.set_column(table.schema.get_field_index(name), name, array)
    return table


FRAME = pd.DataFrame(HOUSES)


@pytest.mark.parametrize(
    ("frame", "ids"),
    [
        (FRAME, range(100, 106)),
        (FRAME.set_index("id"), range(100, 106)),
        (FRAME.set_index(pd.Index(list("abcdef"))), range(100, 106)),
        (FRAME.set_index(pd.Index(list("abcdef"), name="colour")), range(100, 106)),
        (FRAME.iloc[[4, 0, 2]], [104, 100, 102]),
        (FRAME.set_index(pd.MultiIndex.from_product([[1, 2], [1, 2, 3]])), range(100, 106)),
        (FRAME.drop(columns="id").rename_axis(index="id").iloc[1:], range(1, 6)),
        (FRAME.drop(columns="id").set_index(pd.RangeIndex(7, 19, 2, name="id")), range(7, 19, 2)),
        (FRAME.drop(columns="id").set_index(pd.RangeIndex(6, 0, -1, name="id")), range(6, 0, -1)),
    ],
    ids=["none", "id", "text", "named", "filtered", "two", "range", "steps", "down"],
)
def test_an_index_of_pandas_is_the_id_or_is_ignored(frame: pd.DataFrame, ids: Any) -> None:
    assert [row["id"] for row in read(frame)] == list(ids)


@pytest.mark.parametrize("rows_per_group", [400, 2000])
def test_a_range_index_counts_over_all_row_groups(rows_per_group: int) -> None:
    frame = FRAME.drop(columns="id").loc[[0] * 1_203].set_index(pd.RangeIndex(5, 5 + 1_203, name="id"))
    assert [row["id"] for row in read(frame, row_group_size=rows_per_group)] == list(range(5, 5 + 1_203))


def test_an_index_kept_outside_the_columns_of_the_survey_is_ignored() -> None:
    frame = pd.DataFrame(cells(SURVEY_NAMES)).drop(columns="id").rename_axis(index="row")
    assert read(frame) == read(frame.iloc[list(range(6))])


@pytest.mark.parametrize("metadata", [b"{}", b"[]", b"no JSON", b'{"index_columns": 7}', b'{"index_columns": [{}]}'])
def test_metadata_of_pandas_that_is_not_understood_is_ignored(metadata: bytes) -> None:
    assert len(read(table_of(HOUSES).replace_schema_metadata({b"pandas": metadata}))) == 6


INTEGERS = [pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64()]
NUMBERS = [*INTEGERS, pa.float16(), pa.float32(), pa.float64(), pa.decimal32(5, 0), pa.decimal64(12, 0)]
NUMBERS += [pa.decimal128(38, 0), pa.decimal128(20, 2), pa.decimal256(60, 0)]


@pytest.mark.parametrize("kind", NUMBERS, ids=str)
def test_integers_of_every_type_are_integers(kind: pa.DataType) -> None:
    counts = [0, 1, 2, None, 4, 5]
    array = pa.array(counts, pa.int8()).cast(kind)
    found = [row["garageCars"] for row in read(table_of(HOUSES, garageCars=array))]
    assert found == counts
    assert {type(count) for count in found} == {int, type(None)}


@pytest.mark.parametrize("kind", [pa.int8(), pa.int64(), pa.uint16(), pa.float64(), pa.string(), pa.large_string()])
@pytest.mark.parametrize("index", [pa.int8(), pa.uint32()])
def test_dictionary_columns_are_their_values(kind: pa.DataType, index: pa.DataType) -> None:
    key = "street" if kind in {pa.string(), pa.large_string()} else "garageCars"
    wanted = ["Pave", None, "Grvl", "Pave", "Pave", "Grvl"] if key == "street" else [2, None, 0, 2, 2, 1]
    array = pa.array(wanted).cast(kind).dictionary_encode().cast(pa.dictionary(index, kind))
    assert [row[key] for row in read(table_of(HOUSES, **{key: array}))] == wanted


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.string_view()], ids=str)
def test_text_of_every_type_is_text(kind: pa.DataType) -> None:
    column = pa.array([house["street"] for house in HOUSES]).cast(kind)
    assert read(table_of(HOUSES, street=column)) == HOUSES


def test_nullable_and_small_columns_of_pandas_are_read() -> None:
    kinds = {"garageCars": "Int8", "lotFrontage": "Float32", "street": "string", "lotArea": "UInt32", "id": "Int64"}
    frame = FRAME.astype({**kinds, "msSubClass": "category", "moSold": "uint8", "alley": "category"})
    frame.loc[1, "garageCars"] = pd.NA
    first, second, *_ = read(frame)
    assert first == HOUSES[0]
    assert second == HOUSES[1] | {"garageCars": None}


def test_a_column_of_nulls_is_absent() -> None:
    rows = read(table_of(HOUSES, poolQc=pa.nulls(6), fence=pa.nulls(6, pa.string()), garageCars=pa.nulls(6)))
    assert {(row["poolQc"], row["fence"], row["garageCars"]) for row in rows} == {(None, None, None)}


def test_large_integers_are_exact() -> None:
    ids = [2**63 - 1, 2**53 + 1, 1]
    for kind in (pa.uint64(), pa.decimal128(25, 0), pa.decimal128(25, 3)):
        array = pa.array([Decimal(one) for one in ids]).cast(kind)
        assert [row["id"] for row in read(table_of(HOUSES[:3], id=array))] == ids


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_not_a_number_is_refused_later_and_named(value: float) -> None:
    (row,) = read(table_of(HOUSES[:1], lotArea=pa.array([value], from_pandas=False)))
    assert row["lotArea"] == str(value)


@pytest.mark.parametrize("names", [SURVEY_NAMES, SPACED_NAMES], ids=["survey", "spaced"])
def test_files_with_the_surveys_names_yield_the_same_documents(names: list[str]) -> None:
    documents = [{name: value for name, value in house.items() if name != "id"} for house in cells(names)]
    wanted = [{key: value for key, value in house.items() if key != "id"} for house in HOUSES]
    assert read(table_of(documents)) == wanted
    with_ids = [house | {"Id": at, "Order": 0, "PID": 0, "SalePrice": 1} for at, house in enumerate(documents)]
    assert read(table_of(with_ids)) == [house | {"id": at} for at, house in enumerate(wanted)]


def test_blanks_of_the_survey_are_absent() -> None:
    (house,) = cells(SURVEY_NAMES, 1)
    columns = {"Alley": "NA", "Fence": " ", "SaleType": "WD ", "LotFrontage": float("nan")}
    arrays = {name: pa.array([value], from_pandas=False) for name, value in columns.items()}
    (row,) = read(table_of([{key: value for key, value in house.items() if key != "id"}], **arrays))
    assert [row[key] for key in ("alley", "fence", "saleType", "lotFrontage")] == [None, None, "WD", None]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (table_of(HOUSES).append_column("Colour", pa.array(["red"] * 6)), "keys of a house. Unknown: 'Colour'"),
        (table_of(HOUSES).append_column("lot_area", pa.array([1] * 6)), "of 'lot_area' is 'lotArea'"),
        (table_of(HOUSES).append_column("street", pa.array(["Pave"] * 6)), "Repeated: 'street'"),
        (table_of(HOUSES).drop_columns(["id"]), "Missing: 'id'"),
        (table_of(HOUSES, lotArea=pa.array([True] * 6)), r"Unsupported: lotArea \(bool\)"),
        (table_of(HOUSES, lotArea=pa.array([[1]] * 6)), r"Unsupported: lotArea \(list"),
        (table_of(HOUSES, street=pa.array([b"Pave"] * 6)), r"Unsupported: street \(binary"),
        (table_of(HOUSES, yearBuilt=pa.array(np.array([0] * 6, "datetime64[s]"))), "yearBuilt"),
    ],
)
def test_columns_that_do_not_match_are_named(table: pa.Table, message: str) -> None:
    with pytest.raises(UnusableFile, match=message):
        read(table)


def test_a_file_that_is_not_parquet_is_refused() -> None:
    with pytest.raises(UnusableFile, match="Not a readable Parquet file"):
        ParquetTable(io.BytesIO(b"id,lotArea\n1,2\n"))
