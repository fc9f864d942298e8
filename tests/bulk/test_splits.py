"""The splits of a file cover each row once, and reading them is the same as reading the file."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from factories import SURVEY, house_json, houses_json, survey_rows
from housing_price.bulk.files.locations import InputFile
from housing_price.bulk.files.splits import Split, plan_splits, read_split
from housing_price.errors import BulkError
from housing_price_orchestrator.shared.errors import DocumentTooLarge, HousingPriceError, InvalidDocument

from .files import FORMATS, write_houses


def read_all(source: InputFile, splits: Sequence[Split]) -> list[Any]:
    found = []
    for split in splits:
        rows = list(read_split(source, split))
        assert len(rows) == split.rows
        found += rows
    return found


def check_cover(splits: Sequence[Split], rows: int) -> None:
    assert splits[0].before == 0
    assert all(one.before + one.rows == two.before for one, two in pairwise(splits))
    assert splits[-1].before + splits[-1].rows == rows


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("rows_per_split", [1, 7, 25, 50, 1_000])
def test_the_houses_of_all_splits_are_those_of_the_file(tmp_path: Path, suffix: str, rows_per_split: int) -> None:
    houses = houses_json(50)
    source = InputFile(write_houses(tmp_path / f"houses.{suffix}", houses, rows_per_group=20), suffix)
    splits = plan_splits(source, 3, rows_per_split)
    check_cover(splits, 50)
    assert [house.id for house in read_all(source, splits)] == [house["id"] for house in houses]


def test_rows_of_several_lines_blank_lines_and_unreadable_rows_count_as_in_a_job(tmp_path: Path) -> None:
    path = write_houses(tmp_path / "houses.csv", houses_json(4))
    lines = path.read_bytes().splitlines(keepends=True)
    first_cell, rest = lines[2].split(b",", 1)
    of_two_lines = b'"' + first_cell + b'\n",' + rest
    too_long = b"x" * 70_000 + b"\n"
    path.write_bytes(b"".join([lines[0], b"\n", lines[1], of_two_lines, b" \n", too_long, b'"open,1\n', lines[3]]))
    source = InputFile(path, "csv")
    whole = list(read_split(source, plan_splits(source, 1)[0]))
    assert [type(row) for row in whole[2:4]] == [DocumentTooLarge, InvalidDocument]
    splits = plan_splits(source, 1, 1)
    check_cover(splits, len(whole))
    for alone, together in zip(read_all(source, splits), whole, strict=True):
        if isinstance(together, InvalidDocument):
            assert (type(alone), alone.findings) == (InvalidDocument, together.findings)
        elif isinstance(together, HousingPriceError):
            assert str(alone) == str(together)
        else:
            assert alone == together


@pytest.mark.parametrize("suffix", FORMATS)
def test_houses_without_an_id_have_the_number_of_their_row_in_the_file(tmp_path: Path, suffix: str) -> None:
    rows = [
        {name: value for name, value in row.items() if name not in {"Id", "PID", "Order", "SalePrice"}}
        for row in list(survey_rows())[:30]
    ]
    if suffix == "csv":
        source = InputFile(write_houses(tmp_path / "houses.csv", rows), "csv")
    else:
        numbers = {
            name for name in rows[0] if all(row[name].replace(".", "").isdigit() or not row[name] for row in rows)
        }
        typed = [
            {name: None if not value else float(value) if name in numbers else value for name, value in row.items()}
            for row in rows
        ]
        source = InputFile(write_houses(tmp_path / f"houses.{suffix}", typed, rows_per_group=12), suffix)
    houses = read_all(source, plan_splits(source, 2, 4))
    refused = [house for house in houses if isinstance(house, HousingPriceError)]
    assert not refused, refused[0].__dict__
    assert [house.id for house in houses] == list(range(1, 31))


def test_small_row_groups_are_joined_and_large_ones_are_divided(tmp_path: Path) -> None:
    path = tmp_path / "houses.parquet"
    write_houses(path, houses_json(60), rows_per_group=5)
    assert [split.rows for split in plan_splits(InputFile(path, "parquet"), 4, 20)] == [20, 20, 20]
    write_houses(path, houses_json(60), rows_per_group=60)
    assert [split.rows for split in plan_splits(InputFile(path, "parquet"), 2, 20)] == [30, 30]
    assert [split.rows for split in plan_splits(InputFile(path, "parquet"), 8, 25)] == [25, 25, 10]


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_file_that_was_changed_after_it_was_split_is_an_error(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"houses.{suffix}"
    source = InputFile(write_houses(path, houses_json(10)), suffix)
    (split,) = plan_splits(source, 1)
    write_houses(path, houses_json(9))
    with pytest.raises(BulkError, match="the file was changed while it was read; start again"):
        list(read_split(source, split))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("houses.csv", b"", "The file is empty"),
        ("houses.csv", b"id,street\n1,Pave\n", "must match the keys of a house. Missing"),
        ("houses.csv", b"PAR1", "is a Parquet file. Submit it as Parquet"),
        ("houses.ndjson", b"\xff\xfe{\x00}\x00", "is encoded as UTF-16"),
        ("houses.parquet", b"no", "Not a readable Parquet file"),
    ],
)
def test_an_unusable_file_is_an_error_that_says_why(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(BulkError, match=f"{name}: .*{message}"):
        plan_splits(InputFile(path, path.suffix[1:]), 1)


def test_a_parquet_file_with_unknown_columns_is_an_error_that_names_them(tmp_path: Path) -> None:
    path = write_houses(tmp_path / "houses.parquet", [house_json() | {"stret": "Pave"}])
    with pytest.raises(BulkError, match=r"Unknown: 'stret'\..*closest known name of 'stret' is 'street'"):
        plan_splits(InputFile(path, "parquet"), 1)


def test_the_whole_survey_is_split_by_its_rows() -> None:
    splits = plan_splits(InputFile(SURVEY, "csv"), 1, 1_000)
    check_cover(splits, 2_930)
    assert [split.rows for split in splits] == [1_000, 1_000, 930]
