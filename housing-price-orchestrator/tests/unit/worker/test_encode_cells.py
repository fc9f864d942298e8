"""Rows of CSV that take the fast way are those that the contract makes of the same cells."""

import csv
import io
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from factories import SURVEY
from housing_price_orchestrator.interface.documents.lines import read_named_house
from housing_price_orchestrator.provider.model_server.columns import row_of, write_row
from housing_price_orchestrator.shared.errors import HousingPriceError
from housing_price_orchestrator.shared.view.record import AnyHouse, EncodedHouse
from housing_price_orchestrator.worker.encode_cells import MAX_CELLS_PER_COLUMN, CellEncoder
from housing_price_orchestrator.worker.read_rows import read_rows
from housing_price_survey.tabular.rows import CsvRows
from survey_files import KEYS, SURVEY_NAMES, houses, values, write

HOUSES = houses(40)
ODD_CELLS = st.sampled_from(
    [
        *("", "NA", "None", " ", "20", "20.0", "020", "2e1", "20.5", "-0", "-0.0", "-1", "0", "1", "10", "11", "51"),
        *("2010", "1799", "2300", "2301", "5000", "5000.5", "20000", "20001", "1e400", "nan", "Infinity", "1_0", "+5"),
        *(
            "9" * 18,
            "9" * 19,
            "9" * 25,
            "0.1",
            ".5",
            "5.",
            "1E2",
            "true",
            "null",
            " Pave ",
            "Pave",
            "pave",
            "Pavé",
            "RL",
        ),
        *("TA", "Y", "Gd", "x\u00a0", "A (agr)", 'P"ave', "Pa\rve", "\u0662"),
    ]
)


def as_contract(file: CsvRows) -> list[AnyHouse | None]:
    """The houses of a file as documents; None for those that are refused."""
    found: list[AnyHouse | None] = []
    for row in file.after(0):
        try:
            found.append(None if row.document is None else read_named_house(row.document, row.names))
        except HousingPriceError:
            found.append(None)
    return found


def assert_same(path: Path) -> int:
    """Assert that all houses of a file are those of the contract; returns how many took the fast way."""
    file = CsvRows(path)
    encoder = CellEncoder(file.table)
    fast = [encoder.house_of(raw, number) for number, raw in enumerate(file.table.raw_records(), 1)]
    for encoded, house in zip(fast, as_contract(file), strict=True):
        if encoded is not None:
            assert house is not None, encoded
            assert (encoded.id, encoded.row) == (house.id, write_row(row_of(house)))
            assert repr(row_of(encoded)) == repr(row_of(house))
    return sum(encoded is not None for encoded in fast)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_every_house_of_the_survey_takes_the_fast_way(delimiter: str, tmp_path: Path) -> None:
    with SURVEY.open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    assert assert_same(write(tmp_path / "x.csv", header, rows, delimiter)) == 2_930
    keys = [["7", *values(house)] for house in HOUSES]
    assert assert_same(write(tmp_path / "y.csv", ["id", *KEYS], keys, delimiter)) == 40


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(
    odd=st.lists(st.tuples(st.integers(0, 79), ODD_CELLS), min_size=1, max_size=3),
    is_survey=st.booleans(),
    line_end=st.sampled_from(["\n", "\r\n"]),
)
def test_any_cells_are_read_as_the_contract_reads_them(
    odd: list[tuple[int, str]], is_survey: bool, line_end: str, tmp_path: Path
) -> None:
    cells = ["7", *values(HOUSES[0])]
    for at, cell in odd:
        cells[at] = cell
    header = ["Id", *SURVEY_NAMES] if is_survey else ["id", *KEYS]
    text = io.StringIO(newline="")
    # Twice: the second time the columns remember the cells of the first.
    csv.writer(text, lineterminator=line_end).writerows([header, cells, cells])
    path = tmp_path / "x.csv"
    path.write_bytes(text.getvalue().encode())
    assert_same(path)


def test_optional_columns_may_be_missing_and_others_are_ignored(tmp_path: Path) -> None:
    kept = [name for name in SURVEY_NAMES if name not in {"Alley", "PoolQC", "LotFrontage"}]
    rows = [["5", *[house[name] for name in kept], "100000"] for house in HOUSES]
    path = write(tmp_path / "x.csv", ["", *kept, "SalePrice"], rows)
    assert assert_same(path) == 40
    found = [row.house for row in read_rows(path, "csv", read_named_house, offset=0, count=0)]
    assert [house.id for house in found if isinstance(house, EncodedHouse)] == list(range(1, 41))


def test_only_houses_that_are_not_plain_are_read_as_documents(tmp_path: Path) -> None:
    rows = [values(HOUSES[at] | change) for at, change in enumerate([{}, {"Street": "x"}, {"MSZoning": "C (all)"}])]
    path = write(tmp_path / "x.csv", SURVEY_NAMES, rows)
    path.write_text(path.read_text().replace("C (all)", '"C (all)"'))
    plain, refused, quoted = (row.house for row in read_rows(path, "csv", read_named_house, offset=0, count=0))
    assert isinstance(plain, EncodedHouse)
    assert isinstance(refused, HousingPriceError)
    assert not isinstance(quoted, (EncodedHouse, HousingPriceError))


def test_a_column_remembers_a_limited_number_of_cells(tmp_path: Path) -> None:
    rows = [values(HOUSES[0] | {"LotArea": str(number)}) for number in range(1, MAX_CELLS_PER_COLUMN + 100)]
    file = CsvRows(write(tmp_path / "x.csv", SURVEY_NAMES, rows))
    encoder = CellEncoder(file.table)
    for number, raw in enumerate(file.table.raw_records(), 1):
        house = encoder.house_of(raw, number)
        assert house is not None
        assert row_of(house)[3] == number
    assert max(map(len, encoder._columns)) == MAX_CELLS_PER_COLUMN
