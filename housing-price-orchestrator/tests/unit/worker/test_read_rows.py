"""Files of houses as they are copied around, read by the worker."""

import csv
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from factories import SURVEY, survey_houses
from housing_price_orchestrator.interface.documents.lines import read_named_house
from housing_price_orchestrator.provider.model_server.columns import row_of
from housing_price_orchestrator.shared.errors import (
    DocumentTooLarge,
    HousingPriceError,
    InvalidDocument,
    JobInputUnusable,
)
from housing_price_orchestrator.shared.view.house import House
from housing_price_orchestrator.worker.parquet.convert import convert
from housing_price_orchestrator.worker.read_rows import BLOCKS, Row, count_rows, read_rows
from survey_files import SPACED_NAMES, SURVEY_NAMES, houses, values, write

HOUSES = houses(200)


def read(path: Path, file_format: str = "csv", offset: int = 0, count: int = 0) -> list[Row]:
    return list(read_rows(path, file_format, read_named_house, offset=offset, count=count))


def values_of(rows: Sequence[Row]) -> list[tuple[Any, ...]]:
    found = []
    for row in rows:
        assert not isinstance(row.house, HousingPriceError), getattr(row.house, "findings", row.house)
        found.append((row.house.id, *row_of(row.house)))
    return found


def expected(count: int) -> list[tuple[Any, ...]]:
    made = [House.model_validate(document) for document in survey_houses()[:count]]
    return [(house.id, *row_of(house)) for house in made]


def as_published(path: Path) -> Path:
    """The file as De Cock published it: tabs, numbered by Order, NA for blank, and a space behind "WD"."""
    with SURVEY.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    names = ["Order", "PID", *SPACED_NAMES, "SalePrice"]
    lines = [
        [row["Id"], "0526301100", *[cell or "NA" for cell in values(row | {"SaleType": "WD "})], row["SalePrice"]]
        if row["SaleType"] == "WD"
        else [row["Id"], "0526301100", *[cell or "NA" for cell in values(row)], row["SalePrice"]]
        for row in rows
    ]
    return write(path, names, lines, "\t")


def test_every_house_of_the_published_file_is_read(tmp_path: Path) -> None:
    path = as_published(tmp_path / "AmesHousing.csv")
    assert path.read_text().count("\tWD \t") > 2_500
    assert values_of(read(path)) == expected(2_930)
    assert count_rows(path, "csv") == 2_930


def test_the_bundled_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(SURVEY.read_bytes())
    assert values_of(read(path)) == expected(2_930)


def frame() -> pd.DataFrame:
    return pd.read_csv(SURVEY, keep_default_na=False, na_values=["", "NA"]).head(200)


def csv_of_pandas(path: Path) -> str:
    frame().to_csv(path)  # with an unnamed column of row numbers
    return "csv"


def semicolons_of_excel(path: Path) -> str:
    frame().to_csv(path, index=False, sep=";", lineterminator="\r\n", encoding="utf-8-sig", quoting=csv.QUOTE_ALL)
    return "csv"


def lines_of_pandas(path: Path) -> str:
    frame().to_json(path, orient="records", lines=True)
    return "ndjson"


def parquet_of_pandas(path: Path) -> str:
    frame().to_parquet(path)
    return "parquet"


def parquet_with_index(path: Path) -> str:
    frame().convert_dtypes().set_index("Id").astype({"Street": "category", "LotArea": "UInt32"}).to_parquet(path)
    return "parquet"


@pytest.mark.parametrize(
    "make", [csv_of_pandas, semicolons_of_excel, lines_of_pandas, parquet_of_pandas, parquet_with_index]
)
def test_what_common_programs_write_is_read(make: Callable[[Path], str], tmp_path: Path) -> None:
    path = tmp_path / "x"
    file_format = make(path)
    if file_format == "parquet":
        convert(path, tmp_path / "y", max_bytes=10**9)
        path, file_format = tmp_path / "y", BLOCKS
    assert values_of(read(path, file_format)) == expected(200)


def test_an_error_names_the_column_as_the_file_does(tmp_path: Path) -> None:
    house = HOUSES[0] | {"1stFlrSF": "1,000", "Street": "x"}
    for names in (SURVEY_NAMES, SPACED_NAMES):
        (row,) = read(write(tmp_path / "x.csv", names, [values(house)]))
        assert isinstance(row.house, InvalidDocument)
        first_floor = names[SURVEY_NAMES.index("1stFlrSF")]
        assert {finding["loc"][1] for finding in row.house.findings} == {"Street", first_floor}


def test_reading_resumes_with_the_number_of_the_row_as_id(tmp_path: Path) -> None:
    path = write(tmp_path / "x.csv", SURVEY_NAMES, [values(house) for house in HOUSES[:5]])
    rows = read(path)
    assert [one[0] for one in values_of(rows)] == [1, 2, 3, 4, 5]
    assert read(path, offset=rows[2].end, count=3) == rows[3:]


def test_rows_that_cannot_be_read_are_errors_of_the_api(tmp_path: Path) -> None:
    path = tmp_path / "x.ndjson"
    path.write_bytes(b"x" * 70_000 + b"\n{\n" + json.dumps(survey_houses()[0]).encode())
    too_large, invalid, good = read(path, "ndjson")
    assert isinstance(too_large.house, DocumentTooLarge)
    assert isinstance(invalid.house, InvalidDocument)
    assert values_of([good]) == expected(1)


@pytest.mark.parametrize("file_format", ["csv", "ndjson"])
def test_a_file_that_cannot_be_used_says_why(file_format: str, tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes("Id,MSSubClass\n1,20\n".encode("utf-16"))
    with pytest.raises(JobInputUnusable, match="UTF-16"):
        read(path, file_format)
    path.unlink()
    with pytest.raises(JobInputUnusable, match="no longer exists"):
        count_rows(path, file_format)
