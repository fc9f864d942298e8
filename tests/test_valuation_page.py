"""The comparison grid in docs/valuation.md: its figures lead from one to the other."""

import json
import math
from typing import Any

import pytest
from benchmarks import valuation_page

from housing_price_survey.columns import FEATURE_GROUPS

HOUSE: dict[str, Any] = json.loads(valuation_page.HOUSE.read_bytes())
ROUNDING_USD = 0.5
"""Each amount on the page is rounded to whole dollars."""


def tables_of(text: str) -> list[dict[str, list[str]]]:
    """The tables of a page: the cells of each row by its first cell."""
    tables = []
    for block in text.split("\n\n"):
        rows = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in block.splitlines()]
        tables.append({cells[0]: cells[1:] for cells in rows if not cells[0].startswith("---")})
    return tables


def usd(cell: str) -> float:
    return float(cell.replace(",", "").replace("*", ""))


GRID, FIGURES, DIFFERENCES = tables_of(valuation_page.read_grid())


def test_grid_shows_the_house_of_the_example() -> None:
    assert GRID["Neighborhood"][0] == "North Ames"
    for key in valuation_page.FEATURES:
        assert GRID[valuation_page.title_of(key)][0] == valuation_page.shown(key, HOUSE[key])


@pytest.mark.parametrize("place", range(1, 7))
def test_adjustments_lead_from_the_sale_price_to_the_adjusted_price(place: int) -> None:
    parts = [usd(GRID[valuation_page.group_title(group)][place]) for group in FEATURE_GROUPS]
    expected = usd(GRID["**adjusted price, USD**"][place]) - usd(GRID["**sale price, USD**"][place])
    assert sum(parts) == pytest.approx(expected, abs=ROUNDING_USD * (len(parts) + 2))


def test_differences_lead_from_the_typical_house_to_the_price() -> None:
    parts = [usd(DIFFERENCES[valuation_page.group_title(group)][0]) for group in FEATURE_GROUPS]
    price = usd(DIFFERENCES["the house (predicted price)"][0])
    assert price == usd(FIGURES["predicted price"][0])
    expected = price - usd(DIFFERENCES["a typical house"][0])
    assert sum(parts) == pytest.approx(expected, abs=ROUNDING_USD * (len(parts) + 2))


def test_value_lies_between_the_price_and_the_adjusted_prices() -> None:
    value, price = usd(FIGURES["**value**"][0]), usd(FIGURES["predicted price"][0])
    estimate = usd(FIGURES["weighted mean of the adjusted prices"][0])
    assert min(price, estimate) <= value <= max(price, estimate)
    adjusted = [usd(cell) for cell in GRID["**adjusted price, USD**"][1:]]
    assert min(adjusted) <= estimate <= max(adjusted)
    low, high = map(usd, FIGURES["**value**"][1].split(" to "))
    assert low < value < high


def test_weights_of_the_sales_lead_to_the_weighted_mean() -> None:
    weights = [float(cell.rstrip("%")) / 100 for cell in GRID["weight in the mean"][1:]]
    adjusted = [usd(cell) for cell in GRID["**adjusted price, USD**"][1:]]
    assert sum(weights) == pytest.approx(1, abs=0.0005 * (len(weights) + 1))
    mean = math.exp(
        sum(weight * math.log(price) for weight, price in zip(weights, adjusted, strict=True)) / sum(weights)
    )
    assert mean == pytest.approx(usd(FIGURES["weighted mean of the adjusted prices"][0]), abs=20)


def a_valuation() -> dict[str, Any]:
    """A complete valuation, as far as the page shows it."""
    parts = [{"group": group, "usd": 0.4 if group == "age" else -1_234.5} for group in FEATURE_GROUPS]
    sale = {
        "id": 17,
        "soldIn": "2010-06",
        "distance": 0.256,
        "weight": 0.5,
        "house": {**HOUSE, "grLivArea": 1_234.0},
        "salePrice": 100_000,
        "adjustedPrice": 87_655.4,
        "adjustments": parts,
    }
    interval = {"low": 90_000.4, "high": 130_000.6, "level": 0.9}
    return {
        "price": {"predictedPrice": 110_000.2, "priceInterval": interval},
        "value": {"amount": 105_000.7, "interval": interval},
        "comparables": {"estimate": 99_999.9, "sales": [sale, sale]},
        "explanation": {"typicalPrice": 122_344.8, "differences": parts},
    }


def test_grid_has_a_column_for_each_sale_and_a_row_for_each_group() -> None:
    grid, figures, differences = tables_of(valuation_page.grid(HOUSE, a_valuation()))
    assert grid["sold in"] == ["", "2010-06", "2010-06"]
    assert grid["distance"] == ["", "0.26", "0.26"]
    assert grid["Living area above ground, square feet"] == ["896", "1,234", "1,234"]
    assert grid["Overall quality"] == ["5", "5", "5"]
    assert (grid["Living area and rooms (`size`)"], grid["Age (`age`)"]) == (["", "-1,234", "-1,234"], ["", "0", "0"])
    assert grid["**adjusted price, USD**"] == ["", "87,655", "87,655"]
    assert grid["weight in the mean"] == ["", "50.0%", "50.0%"]
    assert figures["**value**"] == ["**105,001**", "90,000 to 130,001"]
    assert differences["Lot (`lot`)"] == ["-1,234"]
    assert [name for name in grid if "(`" in name] == [valuation_page.group_title(group) for group in FEATURE_GROUPS]
