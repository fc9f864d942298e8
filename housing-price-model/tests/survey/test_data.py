import csv
import hashlib
import io
from pathlib import Path

import numpy as np
import pytest

from housing_price_model.errors import DataError
from housing_price_model.survey.data import BUNDLED, MAX_LISTED, Houses, read_houses

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
        "line 1, LotArea: the column is missing",
        "line 1, Street: the column appears 2 times",
        "line 1, Alley: the column is missing",
    ]


def test_line_numbers_count_blank_lines(tmp_path: Path) -> None:
    path = changed(tmp_path / "x.csv", Street="Dummy")
    path.write_text(path.read_text(encoding="utf-8").replace("\n", "\n\n", 1), encoding="utf-8")
    with pytest.raises(DataError, match="line 4, Street"):
        read_houses(path)


def test_row_of_the_wrong_length_is_reported(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="line 3: has 80 cells, but the header has 81"):
        read_houses(written(tmp_path / "x.csv", HEADER, [ROWS[0], ROWS[1][:-1]]))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (b"\xff\xfe\x00", "not a CSV file in UTF-8"),
        (b'"a', "not a CSV file in UTF-8"),
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
