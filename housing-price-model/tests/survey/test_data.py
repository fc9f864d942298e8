import csv
import hashlib
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from housing_price_model.errors import DataError
from housing_price_model.survey.data import (
    BUNDLED,
    MIN_HOUSES,
    Houses,
    read_cells,
    read_houses,
    require_enough_houses,
)
from housing_price_model.survey.findings import MAX_LISTED
from housing_price_survey.columns import COLUMNS, NUMBERS, SURVEY_COLUMNS, TARGET

DATA = Path(__file__).parents[2] / "data"
LINES = BUNDLED.read_text(encoding="utf-8").splitlines()[:4]
HEADER, *ROWS = csv.reader(LINES)


def written(path: Path, header: list[str], rows: list[list[str]]) -> Path:
    text = io.StringIO()
    csv.writer(text).writerows([header, *rows])
    path.write_text(text.getvalue(), encoding="utf-8")
    return path


def changed(path: Path, **cells: str) -> Path:
    """The first three houses, with cells of the second one (line 3) changed."""
    row = [cells.get(name, cell) for name, cell in zip(HEADER, ROWS[1], strict=True)]
    return written(path, HEADER, [ROWS[0], row, ROWS[2]])


def test_bundled_data_has_the_recorded_digest(houses: Houses) -> None:
    digest, name = (DATA / "SHA256SUMS").read_text().split()
    assert hashlib.sha256((DATA / name).read_bytes()).hexdigest() == digest == houses.digest
    assert len(houses) == 2930


def test_columns_are_numbers_or_objects(houses: Houses) -> None:
    # The schema of candidates requires these types.
    types = {name: str(houses.features[name].dtype) for name in COLUMNS}
    assert types == {name: "float64" if name in NUMBERS else "object" for name in COLUMNS}


def test_none_is_a_category_and_na_is_blank(tmp_path: Path) -> None:
    read = read_houses(changed(tmp_path / "x.csv", MasVnrType="None", Alley="NA", LotFrontage="NA")).features
    assert read["MasVnrType"][1] == "None"
    assert read["Alley"][1] is None
    assert np.isnan(read["LotFrontage"][1])


@pytest.mark.parametrize(
    ("cells", "finding"),
    [
        ({"Street": "Dummy"}, "line 3, Street: 'Dummy' is not one of Grvl, Pave"),
        ({"Street": ""}, "line 3, Street: a value is missing"),
        ({"SalePrice": "0"}, "line 3, SalePrice: '0' is not a positive price"),
        ({"SalePrice": "-1"}, "line 3, SalePrice: '-1' is not a positive price"),
        ({"SalePrice": "nan"}, "line 3, SalePrice: 'nan' is not a finite number"),
        ({"SalePrice": ""}, "line 3, SalePrice: a value is missing"),
        ({"LotArea": "large"}, "line 3, LotArea: 'large' is not a number"),
        ({"LotArea": "1e999"}, "line 3, LotArea: '1e999' is not a finite number"),
        ({"MSSubClass": "21"}, "line 3, MSSubClass: '21' is not one of 20, 30,"),
        ({"SalePrice": "208.5"}, "line 3, SalePrice: '208.5' is not from 1,000 to 100,000,000"),
        ({"SalePrice": "100000001"}, "line 3, SalePrice: '100000001' is not from 1,000 to 100,000,000"),
        ({"OverallQual": "11"}, "line 3, OverallQual: '11' is not from 1 to 10"),
        ({"FullBath": "2.5"}, "line 3, FullBath: '2.5' is not a whole number"),
        ({"YrSold": "2009.5"}, "line 3, YrSold: '2009.5' is not a whole number"),
        ({"MoSold": "13"}, "line 3, MoSold: '13' is not from 1 to 12"),
        ({"LotArea": "-1"}, "line 3, LotArea: '-1' is not from 1 to 2,000,000"),
        ({"GrLivArea": "1e300"}, "is not from 0 to 20,000"),
        ({"LotFrontage": "-0.5"}, "line 3, LotFrontage: '-0.5' is not from 0 to 5,000"),
        ({"Alley": "x" * 1000}, f"line 3, Alley: '{'x' * 40}...' is not one of Grvl, Pave"),
    ],
)
def test_invalid_cell_is_reported_with_line_and_column(tmp_path: Path, cells: dict[str, str], finding: str) -> None:
    with pytest.raises(DataError) as raised:
        read_houses(changed(tmp_path / "x.csv", **cells))
    assert finding in str(raised.value)


def test_every_finding_is_listed_in_one_error(tmp_path: Path) -> None:
    with pytest.raises(DataError) as raised:
        read_houses(changed(tmp_path / "x.csv", Street="Dummy", SalePrice="0", LotArea=""))
    summary, *findings = str(raised.value).splitlines()
    assert "3 finding(s), the file was rejected" in summary
    assert [finding.partition(":")[0] for finding in findings] == [
        "line 3, LotArea",
        "line 3, Street",
        "line 3, SalePrice",
    ]


def test_long_list_of_findings_ends_with_a_count(tmp_path: Path) -> None:
    rows = [["?" if name == "Street" else cell for name, cell in zip(HEADER, ROWS[0], strict=True)]] * 500
    with pytest.raises(DataError) as raised:
        read_houses(written(tmp_path / "x.csv", HEADER, rows))
    lines = str(raised.value).splitlines()
    assert len(lines) == MAX_LISTED + 2
    assert lines[-1] == "... and 400 more"


def test_all_missing_and_repeated_columns_are_reported(tmp_path: Path) -> None:
    header = ["Street" if name == "Alley" else name.replace("LotArea", "Lot") for name in HEADER]
    with pytest.raises(DataError) as raised:
        read_houses(written(tmp_path / "x.csv", header, ROWS))
    assert str(raised.value).splitlines()[1:] == [
        "line 1, LotArea: the column is missing; perhaps it is 'Lot'",
        "line 1, Street: the column appears 2 times",
        "line 1, Alley: the column is missing",
    ]


def test_line_numbers_count_blank_lines(tmp_path: Path) -> None:
    path = changed(tmp_path / "x.csv", Street="Dummy")
    path.write_text(path.read_text(encoding="utf-8").replace("\n", "\n\n", 1), encoding="utf-8")
    with pytest.raises(DataError, match="line 4, Street"):
        read_houses(path)


def test_row_of_the_wrong_length_is_reported(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="line 3: expected 81 cells separated by commas, found 80"):
        read_houses(written(tmp_path / "x.csv", HEADER, [ROWS[0], ROWS[1][:-1]]))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "The file is empty"),
        (b"\xff\xfe\x00", "UTF-16"),
        (b'"a', "The header cannot be read"),
        (b"1,2\n", "no known name"),
        (b"PAR1", "Not a readable Parquet file"),
        (b'{"MSSubClass": 20}', "line 1, LotArea: a value is missing"),
        (b'{"MSSubClass": 20}\n{', "line 2: invalid JSON"),
        (",".join(HEADER).encode(), "no rows below the header"),
    ],
)
def test_invalid_file_is_rejected(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "x.csv").write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_houses(tmp_path / "x.csv")


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"x\.csv: file not found"):
        read_houses(tmp_path / "x.csv")


def test_byte_order_mark_and_other_columns_are_ignored(tmp_path: Path) -> None:
    path = written(tmp_path / "x.csv", [*HEADER, "Colour"], [[*row, "red"] for row in ROWS])
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert len(read_houses(path)) == 3


def as_spaced(path: Path) -> None:
    names = {column.name: column.spaced_name for column in SURVEY_COLUMNS} | {"Id": "Order"}
    rows = [[{"": "NA", "WD": "WD "}.get(cell, cell) for cell in row] for row in ROWS]
    with path.open("w", newline="") as file:
        csv.writer(file, delimiter="\t").writerows([[names.get(name, name) for name in HEADER], *rows])


def as_keys(path: Path) -> None:
    names = {column.name: column.key for column in SURVEY_COLUMNS} | {TARGET: "salePrice"}
    with path.open("w", newline="") as file:
        csv.writer(file, delimiter=";", quoting=csv.QUOTE_ALL).writerows([[names.get(n, n) for n in HEADER], *ROWS])


def frame() -> pd.DataFrame:
    return pd.read_csv(BUNDLED, keep_default_na=False, na_values=[""]).head(3)


def as_lines(path: Path) -> None:
    frame().to_json(path, orient="records", lines=True)


def as_parquet(path: Path) -> None:
    frame().astype({"Street": "category", "FullBath": "int8"}).set_index("Id").to_parquet(path)


@pytest.mark.parametrize("write", [as_spaced, as_keys, as_lines, as_parquet])
def test_every_form_of_the_file_yields_the_same_houses(write: Callable[[Path], None], tmp_path: Path) -> None:
    plain, path = written(tmp_path / "x.csv", HEADER, ROWS), tmp_path / "y"
    write(path)
    expected, found = read_houses(plain), read_houses(path)
    assert found.features.equals(expected.features)
    assert found.features.dtypes.equals(expected.features.dtypes)
    assert found.prices.tolist() == expected.prices.tolist()
    assert found.digest == hashlib.sha256(path.read_bytes()).hexdigest()
    assert list(read_cells(path)) == list(read_cells(plain))


@pytest.mark.parametrize("cell", ["1_000", "1,000", "+5", "0x10", "\uff11\uff12", "5 %", "Infinity"])
def test_what_is_not_plainly_a_number_is_reported(cell: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"line 3, LotArea: '.+' is not a (finite )?number"):
        read_houses(changed(tmp_path / "x.csv", LotArea=cell))


@pytest.mark.parametrize("separator", ["\u2028", "\x85", "\x0b", "\x0c", "\x1c", "\n", "\r\n"])
def test_a_separator_inside_a_cell_ends_no_line(separator: str, tmp_path: Path) -> None:
    path = written(tmp_path / "x.csv", [*HEADER, "Notes"], [[*row, f"a{separator}b"] for row in ROWS])
    assert len(read_houses(path)) == 3


def test_a_row_in_another_encoding_is_reported_by_line(tmp_path: Path) -> None:
    path = written(tmp_path / "x.csv", [*HEADER, "Notes"], [[*row, "x"] for row in ROWS])
    lines = path.read_bytes().splitlines(keepends=True)
    lines[2] = lines[2].replace(b",x", ",é".encode("latin-1"))
    path.write_bytes(b"".join(lines))
    with pytest.raises(DataError, match=r"line 3: not UTF-8: byte 0xe9.*Latin-1"):
        read_houses(path)


def test_the_findings_of_a_small_file_take_little_space(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"{}\n" * 2_000)
    with pytest.raises(DataError) as raised:
        read_houses(path)
    assert len(str(raised.value)) < MAX_LISTED * 100
    assert "finding(s), the file was rejected" in str(raised.value).splitlines()[0]


@pytest.mark.parametrize("area", ["", "0", "0.0"])
def test_blank_veneer_without_area_is_the_word_none(tmp_path: Path, area: str) -> None:
    with BUNDLED.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))[:60]
    rows[0] |= {"MasVnrType": "", "MasVnrArea": area}
    rows[1] |= {"MasVnrType": "", "MasVnrArea": "120"}
    with (tmp_path / "houses.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    veneer = read_houses(tmp_path / "houses.csv").features["MasVnrType"]
    assert (veneer[0], veneer[1]) == ("None", None)


def test_houses_have_the_numbers_of_the_file(houses: Houses) -> None:
    assert houses.ids.tolist() == list(range(1, 2931))
    assert set(houses.pids) == {None}


@pytest.mark.parametrize(
    ("names", "cells", "ids", "pids"),
    [
        (["Id"], [["7"], ["5"], ["9"]], [7, 5, 9], [None] * 3),
        (["Id"], [["7"], ["5"], ["7"]], [1, 2, 3], [None] * 3),
        (["Id"], [["7"], ["0"], ["8"]], [1, 2, 3], [None] * 3),
        (["Id"], [["7"], ["-5"], ["8"]], [1, 2, 3], [None] * 3),
        (["PID"], [["0526-301.100"], ["12 34"], ["/etc"]], [1, 2, 3], ["0526-301.100", None, None]),
        (["PID"], [["-1"], ["é"], ["_a"]], [1, 2, 3], [None] * 3),
        (["Order", "PID"], [["3", "0526301100"], ["2", ""], ["1", "9" * 33]], [3, 2, 1], ["0526301100", None, None]),
        (["PID"], [["11"], ["12"], ["13"]], [1, 2, 3], ["11", "12", "13"]),
        (["Id"], [["7"], ["seven"], ["8"]], [1, 2, 3], [None] * 3),
        (["Id"], [["7"], [""], ["8"]], [1, 2, 3], [None] * 3),
        (["Id"], [["7"], ["1e39"], ["8"]], [1, 2, 3], [None] * 3),
        ([], [[], [], []], [1, 2, 3], [None] * 3),
    ],
)
def test_ids_and_parcel_numbers_are_those_of_the_file(
    names: list[str], cells: list[list[str]], ids: list[int], pids: list[str | None], tmp_path: Path
) -> None:
    path = written(
        tmp_path / "x.csv", [*names, *HEADER[1:]], [[*c, *row[1:]] for c, row in zip(cells, ROWS, strict=True)]
    )
    read = read_houses(path)
    assert (read.ids.tolist(), list(read.pids)) == (ids, pids)


def test_ids_and_parcel_numbers_are_read_from_every_format(tmp_path: Path) -> None:
    frame = pd.read_csv(io.StringIO("\n".join(LINES)), keep_default_na=False, na_values=["", "NA"])
    frame = frame.assign(Order=[30, 20, 10], PID=[526301100, 526350040, 526351010]).drop(columns="Id")
    frame.to_parquet(tmp_path / "x.parquet")
    frame.to_json(tmp_path / "x.ndjson", orient="records", lines=True)
    for path in (tmp_path / "x.parquet", tmp_path / "x.ndjson"):
        read = read_houses(path)
        assert read.ids.tolist() == [30, 20, 10]
        assert list(read.pids) == ["526301100", "526350040", "526351010"]


@pytest.mark.parametrize(
    ("distinct", "copies", "reason"),
    [
        (MIN_HOUSES, 1, None),
        (MIN_HOUSES, 3, None),
        (MIN_HOUSES - 1, 1, "has 49 houses; training requires at least 50"),
        (MIN_HOUSES - 1, 2, "has 49 different houses; training requires at least 50"),
        (1, 100, "has 1 different houses; training requires at least 50"),
    ],
)
def test_training_needs_fifty_different_houses(tmp_path: Path, distinct: int, copies: int, reason: str | None) -> None:
    header, *lines = BUNDLED.read_text(encoding="utf-8").splitlines()[: distinct + 1]
    path = tmp_path / "x.csv"
    path.write_text("\n".join([header, *(lines * copies)]) + "\n", encoding="utf-8")
    houses = read_houses(path)
    assert len(houses) == distinct * copies
    if reason is None:
        require_enough_houses(houses, path)
        return
    with pytest.raises(DataError) as raised:
        require_enough_houses(houses, path)
    assert str(raised.value) == f"{path}: {reason}"


@pytest.mark.parametrize(("equal", "is_enough"), [(25, True), (26, False), (50, False)])
def test_training_needs_different_sale_prices(tmp_path: Path, equal: int, is_enough: bool) -> None:
    lines = BUNDLED.read_text(encoding="utf-8").splitlines()[:51]
    header, *rows = csv.reader(lines)
    for number, row in enumerate(rows):
        row[header.index("SalePrice")] = "150000" if number < equal else str(100_000 + number)
    path = written(tmp_path / "x.csv", header, rows)
    if is_enough:
        require_enough_houses(read_houses(path), path)
        return
    with pytest.raises(DataError, match=f"{equal} of 50 houses have the same sale price, 150,000.00 USD"):
        require_enough_houses(read_houses(path), path)
