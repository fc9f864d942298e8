"""NDJSON files of houses."""

import json
from pathlib import Path
from typing import Any

import pytest

from housing_price_survey.tabular.errors import UnusableFile
from housing_price_survey.tabular.lines import MAX_ROW_BYTES, TOO_LONG
from housing_price_survey.tabular.ndjson_table import NdjsonTable, survey_house
from housing_price_survey.tabular.numbers import parse_number
from housing_price_survey.tabular.rows import CsvRows, NdjsonRows, Row
from survey_files import KEYS, SPACED_NAMES, SURVEY_NAMES, houses, values, write

HOUSES = houses(5)


def typed(house: dict[str, str], names: list[str]) -> dict[str, Any]:
    """A house as pandas writes it: numbers are floats, blanks are null."""
    cells = [None if cell == "" else cell if parse_number(cell) is None else float(cell) for cell in values(house)]
    return dict(zip(names, cells, strict=True))


def rows_of(path: Path) -> list[Row]:
    return list(NdjsonRows(path).after(0))


def write_lines(path: Path, *lines: bytes | dict[str, Any]) -> Path:
    path.write_bytes(b"\n".join(line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines))
    return path


@pytest.mark.parametrize("names", [SURVEY_NAMES, SPACED_NAMES], ids=["survey", "spaced"])
def test_houses_with_the_surveys_names_become_the_documents_of_the_same_csv_file(
    names: list[str], tmp_path: Path
) -> None:
    lines = [typed(house, names) | {"SalePrice": 1, "Order": 7 + at} for at, house in enumerate(HOUSES)]
    found = [json.loads(row.document or b"") for row in rows_of(write_lines(tmp_path / "x.ndjson", *lines))]
    table = write(tmp_path / "x.csv", ["Order", *SURVEY_NAMES], [[7 + n, *values(h)] for n, h in enumerate(HOUSES)])
    assert found == [json.loads(row.document or b"") for row in CsvRows(table).after(0)]


def test_the_id_is_the_row_number_if_there_is_none(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "x.ndjson", *[typed(house, SURVEY_NAMES) for house in HOUSES])
    assert [json.loads(row.document or b"")["id"] for row in rows_of(path)] == [1, 2, 3, 4, 5]
    end = rows_of(path)[2].end
    assert [json.loads(row.document or b"")["id"] for row in NdjsonRows(path).after(end, 3)] == [4, 5]


def test_the_names_in_the_file_are_known_for_messages(tmp_path: Path) -> None:
    (row,) = rows_of(write_lines(tmp_path / "x.ndjson", typed(HOUSES[0], SPACED_NAMES)))
    assert row.names["firstFlrSf"] == "1st Flr SF"


@pytest.mark.parametrize("number", ["9223372036854775807", "9223372036854775807.0", "9007199254740993.0", "1e3"])
def test_ids_are_exact(number: str) -> None:
    line = json.dumps(typed(HOUSES[0], SURVEY_NAMES) | {"Id": "@"}).replace('"@"', number)
    house = survey_house(line.encode(), 1)
    assert house is not None
    assert json.loads(house.document)["id"] == int(parse_number(number) or 0)


def test_blanks_and_spaces_are_those_of_the_survey() -> None:
    line = typed(HOUSES[0], SURVEY_NAMES) | {"Alley": "NA", "Fence": " ", "SaleType": "WD ", "MasVnrType": "None"}
    house = survey_house(json.dumps(line).encode(), 1)
    assert house is not None
    document = json.loads(house.document)
    assert [document[key] for key in ("alley", "fence", "saleType", "masVnrType")] == [None, None, "WD", "None"]


def test_other_keys_are_kept_for_validation_to_refuse() -> None:
    house = survey_house(json.dumps(typed(HOUSES[0], SURVEY_NAMES) | {"Colour": "red"}).encode(), 1)
    assert house is not None
    assert json.loads(house.document)["Colour"] == "red"


@pytest.mark.parametrize(
    "line",
    [
        b'{"id": 1, "msSubClass": 20.0}',
        b'{"MSSubClass": 20, "MSSubClass": 20}',
        b'{"MSSubClass": 20, "MS SubClass": 20}',
        b'{"MSSubClass": NaN}',
        b'{"MSSubClass": ' + b"1" * 5_000 + b"}",
        b'{"MSSubClass": ' + b"[" * 100_000,
        b'["MSSubClass"]',
        b'"MSSubClass"',
        b"\xef\xbb\xbf" + b'{"MSSubClass": 20}',
        b'{"id": 1, "lotArea": 5, "street": "MSSubClass"}',
        b"{}",
        b"null",
    ],
    ids=lambda line: line[:40].decode(errors="replace"),
)
def test_any_other_line_is_passed_on_unchanged(line: bytes, tmp_path: Path) -> None:
    # A line in front: a byte order mark belongs only to the start of the file.
    (_, row) = rows_of(write_lines(tmp_path / "x.ndjson", b"{}", line))
    expected = (None, TOO_LONG) if len(line) > MAX_ROW_BYTES else (line, None)
    assert (row.document, row.problem) == expected


def test_only_line_feeds_end_a_line_and_blank_lines_are_skipped(tmp_path: Path) -> None:
    text = '{"a": "\u2028\x85"}\r\n\r\n \n{"a": "\x0b\x0c"}\n{}'
    path = write_lines(tmp_path / "x.ndjson", b"\xef\xbb\xbf" + text.encode())
    documents = [row.document for row in rows_of(path)]
    assert documents == ['{"a": "\u2028\x85"}'.encode(), b'{"a": "\x0b\x0c"}', b"{}"]


def test_a_line_that_is_too_long_is_skipped(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "x.ndjson", b"{}", b"x" * (MAX_ROW_BYTES + 1), b"{}")
    assert [(row.document, row.problem) for row in rows_of(path)] == [(b"{}", None), (None, TOO_LONG), (b"{}", None)]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_another_encoding_is_named(encoding: str, tmp_path: Path) -> None:
    (tmp_path / "x.ndjson").write_bytes(json.dumps(typed(HOUSES[0], KEYS)).encode(encoding))
    with pytest.raises(UnusableFile, match=encoding[:6].upper()):
        NdjsonRows(tmp_path / "x.ndjson")


def test_a_line_in_another_encoding_says_so(tmp_path: Path) -> None:
    latin = '{"street": "Pavé"}'.encode("latin-1")
    path = write_lines(tmp_path / "x.ndjson", b"{}", latin, b'{"MSSubClass": "\xff"}')
    first, *others = rows_of(path)
    assert first.problem is None
    assert all("Latin-1" in str(row.problem) for row in others)
    assert all("Latin-1" in str(record.problem) for record in list(NdjsonTable(path).records())[1:])
