"""CSV files of houses: names, delimiters, encodings, line ends, quotation marks."""

import csv
import io
import json
from itertools import product
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from housing_price_survey.tabular.csv_cells import DELIMITERS, split_plain_record, split_record
from housing_price_survey.tabular.errors import UnusableFile
from housing_price_survey.tabular.lines import MAX_ROW_BYTES, TOO_LONG
from housing_price_survey.tabular.rows import CsvRows, Row
from survey_files import KEYS, SPACED_NAMES, SURVEY_NAMES, houses, values, write

MARK = b"\xef\xbb\xbf"
QUOTING = [csv.QUOTE_MINIMAL, csv.QUOTE_ALL]
HOUSES = houses(40)
ROWS = [values(house) for house in HOUSES]


def rows_of(path: Path) -> list[Row]:
    return list(CsvRows(path).after(0))


def documents_of(path: Path) -> list[dict[str, Any]]:
    rows = rows_of(path)
    assert [row.problem for row in rows] == [None] * len(rows)
    return [json.loads(row.document or b"") for row in rows]


def problems_of(path: Path) -> list[str | None]:
    return [row.problem for row in rows_of(path)]


@pytest.fixture
def expected(tmp_path: Path) -> list[dict[str, Any]]:
    """The documents of the houses, read by the API's keys with commas, numbered from 1."""
    return documents_of(write(tmp_path / "keys.csv", ["id", *KEYS], [[n, *row] for n, row in enumerate(ROWS, 1)]))


def test_a_document_has_every_key_exact_numbers_and_null_for_blanks(expected: list[dict[str, Any]]) -> None:
    assert all(document.keys() == {"id", *KEYS} for document in expected)
    assert expected[0] | {"id": 1, "lotFrontage": 141, "alley": None, "masVnrType": "Stone"} == expected[0]
    assert type(expected[0]["garageCars"]) is int


@pytest.mark.parametrize(
    "form",
    list(product(",\t;", [SURVEY_NAMES, SPACED_NAMES, KEYS], ["\n", "\r\n"], [b"", MARK], QUOTING)),
    ids=lambda form: f"{form[0]!r}-{form[1][0]}-{form[2]!r}-{form[3]!r}-{form[4]}",
)
def test_every_form_of_a_file_yields_the_same_documents(
    expected: list[dict[str, Any]], tmp_path: Path, form: tuple[str, list[str], str, bytes, Literal[0, 1]]
) -> None:
    delimiter, names, line_end, mark, quoting = form
    text = io.StringIO(newline="")
    id_name = "id" if names is KEYS else "Id"
    lines: list[list[Any]] = [[id_name, *names], *([n, *row] for n, row in enumerate(ROWS, 1))]
    csv.writer(text, delimiter=delimiter, lineterminator=line_end, quoting=quoting).writerows(lines)
    path = tmp_path / "x.csv"
    path.write_bytes(mark + text.getvalue().encode())
    assert documents_of(path) == expected


@pytest.mark.parametrize(
    ("ids", "expected"),
    [
        (["Id"], 10),
        (["Order"], 10),
        (["PID"], 10),
        ([], 1),
        (["Order", "PID"], 10),
        (["PID", "Order"], 20),
        (["PID", "Order", "Id"], 30),
    ],
)
def test_the_id_is_id_else_order_else_pid_else_the_row_number(ids: list[str], expected: int, tmp_path: Path) -> None:
    numbers = [10 * (at + 1) for at in range(len(ids))]
    path = write(tmp_path / "x.csv", [*ids, *SURVEY_NAMES], [[*numbers, *row] for row in ROWS[:2]])
    first, second = documents_of(path)
    assert first["id"] == expected
    assert second["id"] == (expected if ids else 2)


def test_a_leading_zero_of_a_parcel_number_is_no_octal(tmp_path: Path) -> None:
    path = write(tmp_path / "x.csv", ["PID", *SPACED_NAMES], [["0526301100", *ROWS[0]]])
    assert documents_of(path)[0]["id"] == 526301100


def test_the_sale_price_and_columns_of_row_numbers_are_ignored(tmp_path: Path) -> None:
    plain = documents_of(write(tmp_path / "y.csv", SURVEY_NAMES, ROWS[:1]))
    for written in ("", "Unnamed: 0", "Unnamed: 0.1", "index", "level_0", "rownames", "...1", "__index_level_0__"):
        names = [written, *SURVEY_NAMES, "SalePrice"]
        assert documents_of(write(tmp_path / "x.csv", names, [["7", *ROWS[0], "215000"]])) == plain


@pytest.mark.parametrize("blank", ["", "NA", " ", " NA "])
def test_blank_and_na_mean_absent_in_files_with_the_surveys_names(blank: str, tmp_path: Path) -> None:
    house = HOUSES[0] | {"Alley": blank, "LotFrontage": blank, "MasVnrType": "None"}
    (document,) = documents_of(write(tmp_path / "x.csv", SURVEY_NAMES, [values(house)]))
    assert (document["alley"], document["lotFrontage"], document["masVnrType"]) == (None, None, "None")


def test_na_is_a_word_in_files_with_the_keys_of_the_api(tmp_path: Path) -> None:
    house = HOUSES[0] | {"Alley": "NA", "LotFrontage": "NA", "Fence": ""}
    (document,) = documents_of(write(tmp_path / "x.csv", ["id", *KEYS], [["1", *values(house)]]))
    assert (document["alley"], document["lotFrontage"], document["fence"]) == ("NA", "NA", None)


@pytest.mark.parametrize("names", [SURVEY_NAMES, KEYS], ids=["survey", "keys"])
def test_spaces_around_cells_and_names_are_trimmed(names: list[str], tmp_path: Path) -> None:
    house = HOUSES[0] | {"SaleType": "WD ", "Street": "\t Pave", "LotArea": " 8450 "}
    header = ["id" if names is KEYS else "Id", *[f" {name} " for name in names]]
    (document,) = documents_of(write(tmp_path / "x.csv", header, [[" 1", *values(house)]]))
    assert (document["saleType"], document["street"], document["lotArea"]) == ("WD", "Pave", 8450)


@pytest.mark.parametrize("cell", ["Pave\u00a0", "\u2028Pave", "Pave\x85", "Pa\x0bve", "\x0cPave", "Pave\u3000"])
def test_other_white_space_is_part_of_a_cell_and_ends_no_line(cell: str, tmp_path: Path) -> None:
    rows = [values(HOUSES[0] | {"Street": cell}), ROWS[1]]
    first, second = documents_of(write(tmp_path / "x.csv", SURVEY_NAMES, rows))
    assert (first["street"], second["street"]) == (cell, "Pave")


def test_spaces_may_stand_beside_quotation_marks(tmp_path: Path) -> None:
    path = write(tmp_path / "x.csv", SURVEY_NAMES, ROWS[:1])
    plain = documents_of(path)
    header, row = path.read_text().splitlines()
    path.write_text("\n".join([header, " , ".join(f'"{cell}"' for cell in row.split(","))]))
    assert documents_of(path) == plain


@pytest.mark.parametrize(
    "cell", ["1_000", "1,000", "+5", "0x10", "Infinity", "nan", "\uff11\uff12", "5 %", "1e400", "true", "1 000"]
)
@pytest.mark.parametrize("name", ["LotArea", "FullBath", "MSSubClass"])
def test_what_is_not_plainly_a_number_stays_text(cell: str, name: str, tmp_path: Path) -> None:
    (document,) = documents_of(write(tmp_path / "x.csv", SURVEY_NAMES, [values(HOUSES[0] | {name: cell})]))
    assert document[KEYS[SURVEY_NAMES.index(name)]] == cell


def test_a_house_id_of_any_size_is_exact(tmp_path: Path) -> None:
    ids = ["9223372036854775807", "9223372036854775807.0", "9007199254740993.0", "1e3", "99999999999999999999999"]
    path = write(tmp_path / "x.csv", ["Id", *SURVEY_NAMES], [[one, *ROWS[0]] for one in ids])
    assert [document["id"] for document in documents_of(path)] == [2**63 - 1, 2**63 - 1, 2**53 + 1, 1000, 10**23 - 1]


class TestRecords:
    def test_a_line_end_in_quotation_marks_is_part_of_a_cell(self, tmp_path: Path) -> None:
        rows = [values(HOUSES[0] | {"Street": 'Pa\nve, "so\r\n"'}), ROWS[1]]
        first, second = documents_of(write(tmp_path / "x.csv", SURVEY_NAMES, rows))
        assert first["street"] == 'Pa\nve, "so\r\n"'
        assert second["street"] == "Pave"

    def test_reading_resumes_after_any_row(self, tmp_path: Path) -> None:
        rows = [values(HOUSES[at] | ({"Street": "a\nb"} if at % 3 == 0 else {})) for at in range(9)]
        path = write(tmp_path / "x.csv", SURVEY_NAMES, rows)
        every = rows_of(path)
        assert len(every) == 9
        for count, row in enumerate(every, 1):
            assert list(CsvRows(path).after(row.end, count)) == every[count:]

    def test_a_quotation_mark_that_is_not_closed_refuses_only_its_line(self, tmp_path: Path) -> None:
        path = write(tmp_path / "x.csv", SURVEY_NAMES, ROWS[:5])
        lines = path.read_text().splitlines(keepends=True)
        for damaged in ({2}, {2, 4}, {5}, {1, 5}):
            text = [line.replace("Pave", '"Pave') if at in damaged else line for at, line in enumerate(lines)]
            path.write_text("".join(text))
            assert [problem is not None for problem in problems_of(path)] == [at in damaged for at in range(1, 6)]

    def test_a_row_with_other_cells_than_the_header_is_refused_with_both_counts(self, tmp_path: Path) -> None:
        rows = [ROWS[0], ROWS[1][:-1], [*ROWS[2], "x"], ROWS[3]]
        path = write(tmp_path / "x.csv", SURVEY_NAMES, rows, ";")
        separated = "expected 79 cells separated by semicolons, found"
        assert problems_of(path) == [None, f"{separated} 78", f"{separated} 80", None]

    def test_text_behind_a_quotation_mark_is_refused(self, tmp_path: Path) -> None:
        path = write(tmp_path / "x.csv", SURVEY_NAMES, ROWS[:2])
        path.write_text(path.read_text().replace(",Pave,", ',"Pa"ve,', 1))
        first, second = problems_of(path)
        assert first is not None
        assert first.startswith("invalid CSV")
        assert second is None

    def test_a_row_in_another_encoding_is_refused_and_says_so(self, tmp_path: Path) -> None:
        path = write(tmp_path / "x.csv", SURVEY_NAMES, ROWS[:3])
        lines = path.read_bytes().splitlines(keepends=True)
        lines[1] = lines[1].replace(b"Pave", "Pavé".encode("latin-1"))
        lines[2] = lines[2].replace(b"Pave", b"Pa\0ve")
        path.write_bytes(b"".join(lines))
        latin, nul, good = problems_of(path)
        assert "byte 0xe9" in str(latin)
        assert "Latin-1" in str(latin)
        assert "NUL" in str(nul)
        assert good is None

    @pytest.mark.parametrize("opening", ["", '"'])
    def test_a_row_that_is_too_long_is_skipped(self, opening: str, tmp_path: Path) -> None:
        path = write(tmp_path / "x.csv", SURVEY_NAMES, ROWS[:1])
        text = path.read_text()
        path.write_text(text + opening + "x" * MAX_ROW_BYTES + "\n" + text.splitlines()[1] + "\n")
        assert problems_of(path) == [None, TOO_LONG, None]

    def test_blank_lines_are_skipped(self, tmp_path: Path) -> None:
        path = write(tmp_path / "x.csv", SURVEY_NAMES, ROWS[:2])
        path.write_text("\n\r\n" + path.read_text().replace("\n", "\n \n\n"))
        assert len(documents_of(path)) == 2

    def test_counting_finds_the_rows_that_are_read(self, tmp_path: Path) -> None:
        odd = [HOUSES[0] | {"Street": cell} for cell in ("a\nb", '"', "é", "\0", "x" * MAX_ROW_BYTES)]
        path = write(tmp_path / "x.csv", SURVEY_NAMES, [*map(values, odd), ROWS[1][:3], *ROWS])
        text = path.read_text()
        lines = text.splitlines(keepends=True)
        for content in (
            text,
            text.replace(",Pave,", ',"Pave,', 1),
            text.replace(lines[-1], '"' + lines[-1]),
            lines[0] + "\n \n\t\r\n" + lines[-1].strip(),
            lines[0],
        ):
            path.write_text(content)
            assert CsvRows(path).count() == len(rows_of(path))

    @given(st.text(alphabet='ab1 ,;\t"\n\r\0é\x0b\x1c', max_size=12), st.sampled_from(list(DELIMITERS)))
    def test_a_plain_record_is_split_into_the_same_cells(self, text: str, delimiter: str) -> None:
        record = text.encode()
        cells = split_plain_record(record, delimiter.encode())
        if cells is not None and record.strip():
            assert [cell.decode().strip(" \t") for cell in cells] == [
                cell.strip(" \t") for cell in split_record(record, delimiter)
            ]


class TestHeader:
    @pytest.mark.parametrize(
        ("change", "message"),
        [
            (lambda names: [*names, "Colour"], r"names of the survey\. Unknown: 'Colour'\.$"),
            (lambda names: [*names, "id"], "closest known name of 'id' is 'Id'"),
            (lambda names: ["Lot.Area" if n == "LotArea" else n for n in names], "of 'Lot.Area' is 'LotArea'"),
            (lambda names: ["lotArea" if n == "LotArea" else n for n in names], "of 'lotArea' is 'LotArea'"),
            (lambda names: ["Neighbourhood" if n == "Neighborhood" else n for n in names], "is 'Neighborhood'"),
            (lambda names: [n for n in names if n != "LotArea"], "Missing: 'LotArea'"),
            (lambda names: [*names, "Street"], "Repeated: 'Street'"),
            (lambda names: [*names, "MS SubClass"], "Repeated: 'MS SubClass'"),
            (lambda names: [*names, "x" * 5_000], "Unknown: 'x{60}'"),
            (lambda names: [*names, *map(str, range(500))], "'9' and 490 more"),
            (lambda names: [*names[:1], "é"], "Unknown: 'é'"),
        ],
    )
    def test_a_name_that_does_not_match_is_named(self, change: Any, message: str, tmp_path: Path) -> None:
        with pytest.raises(UnusableFile, match=message) as raised:
            CsvRows(write(tmp_path / "x.csv", change(list(SURVEY_NAMES)), []))
        assert "separated by commas" in str(raised.value)
        assert len(str(raised.value)) < 1_000

    def test_a_survey_name_among_keys_of_the_api_is_named_with_its_key(self, tmp_path: Path) -> None:
        names = ["1stFlrSF" if key == "firstFlrSf" else key for key in KEYS]
        with pytest.raises(UnusableFile, match=r"keys of a house.*'1stFlrSF' is 'firstFlrSf'"):
            CsvRows(write(tmp_path / "x.csv", ["id", *names], []))

    def test_a_sale_price_beside_the_keys_of_the_api_is_unknown(self, tmp_path: Path) -> None:
        for name in ("salePrice", "SalePrice"):
            with pytest.raises(UnusableFile, match=rf"Unknown: '{name}'\.$"):
                CsvRows(write(tmp_path / "x.csv", ["id", *KEYS, name], []))

    def test_the_id_is_required_with_the_keys_of_the_api(self, tmp_path: Path) -> None:
        with pytest.raises(UnusableFile, match="Missing: 'id'"):
            CsvRows(write(tmp_path / "x.csv", KEYS, []))

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            (b"", "empty"),
            (b"\n \n", "empty"),
            (b"\xef\xbb\xbf", "empty"),
            (",".join(SURVEY_NAMES).encode("utf-16"), "UTF-16"),
            (",".join(SURVEY_NAMES).encode("utf-16-le"), "UTF-16"),
            (",".join(SURVEY_NAMES).encode("utf-16-be"), "UTF-16"),
            (",".join(SURVEY_NAMES).encode("utf-32"), "UTF-32"),
            (",".join(SURVEY_NAMES).encode("utf-32-le"), "UTF-32"),
            (",".join([*SURVEY_NAMES, "Größe"]).encode("latin-1"), "byte 0xf6.*Latin-1"),
            (",".join(SURVEY_NAMES).encode() + b",a\0b", "NUL"),
            (b"PAR1" + bytes(50), "Parquet"),
            (b"PK\x03\x04" + bytes(50), "Excel"),
            (b"\x1f\x8b\x08" + bytes(50), "gzip"),
            ("|".join(SURVEY_NAMES).encode(), r"separated by '\|'"),
            ("\r".join([",".join(SURVEY_NAMES), ",".join(ROWS[0])]).encode(), "CR alone"),
            (b"1;2;3\n4;5;6\n", "semicolons.*no known name.*'1'"),
            (b'{"id": 1}\n', "no known name"),
            (b"x" * (MAX_ROW_BYTES + 1), "first line is longer"),
            (b'"' + ",".join(SURVEY_NAMES).encode(), "header cannot be read"),
        ],
    )
    def test_a_file_that_is_no_csv_is_refused_with_what_it_is(
        self, content: bytes, message: str, tmp_path: Path
    ) -> None:
        (tmp_path / "x.csv").write_bytes(content)
        with pytest.raises(UnusableFile, match=message):
            CsvRows(tmp_path / "x.csv")

    def test_the_separator_line_of_excel_is_skipped(self, tmp_path: Path) -> None:
        path = write(tmp_path / "x.csv", SURVEY_NAMES, ROWS[:2], ";")
        path.write_text("sep=;\n" + path.read_text())
        assert len(documents_of(path)) == 2
