"""The typical house is that of the data."""

import csv
import statistics
from collections import Counter
from pathlib import Path

import pytest

from housing_price_survey.columns import SURVEY_COLUMNS, Column
from housing_price_survey.typical import TYPICAL_HOUSE

DATA = Path(__file__).parents[2] / "housing-price-model" / "data" / "ames-housing.csv"


@pytest.fixture(scope="module")
def rows() -> list[dict[str, str]]:
    with DATA.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_typical_house_has_each_column_in_the_order_of_the_data() -> None:
    assert list(TYPICAL_HOUSE) == [column.key for column in SURVEY_COLUMNS]


@pytest.mark.parametrize("column", SURVEY_COLUMNS, ids=lambda column: column.name)
def test_values_are_medians_and_most_frequent_words(column: Column, rows: list[dict[str, str]]) -> None:
    value, cells = TYPICAL_HOUSE[column.key], [row[column.name] for row in rows]
    if column.words is None:
        assert value == statistics.median_low(float(cell) for cell in cells if cell)
    else:
        counts = Counter(cells)
        assert counts["" if value is None else str(value)] == max(counts.values())
