"""The pandera schema of the houses: type, vocabulary, range and nullability of each column.

The ranges admit all realistic houses and equal those of the public API; a test compares them.
"""

from types import MappingProxyType
from typing import Final

import pandera.pandas as pa

from housing_price_survey.columns import CATEGORIES, COLUMNS, OPTIONAL, SUBCLASSES, TARGET

_AREA: Final = (0, 20_000)
_COUNT: Final = (0, 50)
_COUNTS: Final = (
    *("BsmtFullBath", "BsmtHalfBath", "FullBath", "HalfBath", "BedroomAbvGr", "KitchenAbvGr", "TotRmsAbvGrd"),
    *("Fireplaces", "GarageCars"),
)

RANGES: Final = MappingProxyType(
    {name: _AREA for name in COLUMNS if name not in CATEGORIES and name != "MSSubClass"}
    | dict.fromkeys(_COUNTS, _COUNT)
    | {
        "LotFrontage": (0, 5_000),
        "LotArea": (1, 2_000_000),
        "OverallQual": (1, 10),
        "OverallCond": (1, 10),
        "YearBuilt": (1800, 2100),
        "YearRemodAdd": (1800, 2100),
        "GarageYrBlt": (1800, 2300),
        "MiscVal": (0, 1_000_000),
        "MoSold": (1, 12),
        "YrSold": (1800, 2100),
        TARGET: (1_000, 100_000_000),
    }
)
"""Minimum and maximum of each number: square feet, feet, years, counts, grades, US dollars."""


def schema() -> pa.DataFrameSchema:
    """Build the schema of the 79 columns and the price; extra columns are allowed."""
    return pa.DataFrameSchema({name: _column(name) for name in (*COLUMNS, TARGET)}, strict=False)


def _column(name: str) -> pa.Column:
    if name in CATEGORIES:
        words = list(CATEGORIES[name])
        return pa.Column(
            object, pa.Check.isin(words, error=f"is not one of {', '.join(words)}"), nullable=name in OPTIONAL
        )
    if name == "MSSubClass":
        check = pa.Check.isin(list(SUBCLASSES), error=f"is not one of {', '.join(map(str, SUBCLASSES))}")
    else:
        low, high = RANGES[name]
        check = pa.Check.in_range(low, high, error=f"is not from {low:,} to {high:,}")
    return pa.Column("float64", check, nullable=name in OPTIONAL)
