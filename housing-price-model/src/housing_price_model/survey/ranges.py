"""The values that a number of the survey may have.

They admit all realistic houses. Those of the features equal those of the public API; a test compares them. A model
could be trained on a house beyond them, but the API would refuse it as a comparable sale.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from housing_price_survey.columns import CATEGORIES, COLUMNS, TARGET

_AREA: Final = (0, 20_000)
_COUNT: Final = (0, 50)
_RATING: Final = (1, 10)
_YEAR: Final = (1800, 2100)

_WHOLE: Final = (
    dict.fromkeys(
        (
            *("BsmtFullBath", "BsmtHalfBath", "FullBath", "HalfBath", "BedroomAbvGr", "KitchenAbvGr", "TotRmsAbvGrd"),
            *("Fireplaces", "GarageCars"),
        ),
        _COUNT,
    )
    | dict.fromkeys(("OverallQual", "OverallCond"), _RATING)
    | dict.fromkeys(("YearBuilt", "YearRemodAdd", "YrSold"), _YEAR)
    | {"GarageYrBlt": (1800, 2300), "MoSold": (1, 12)}
)

RANGES: Final[Mapping[str, tuple[int, int]]] = MappingProxyType(
    {name: _AREA for name in COLUMNS if name not in CATEGORIES and name != "MSSubClass"}
    | {"LotFrontage": (0, 5_000), "LotArea": (1, 2_000_000), "MiscVal": (0, 1_000_000)}
    | _WHOLE
    | {TARGET: (1_000, 100_000_000)}
)
"""Minimum and maximum of each number: square feet, feet, years, counts, grades, US dollars. Sale prices are those of
whole houses: the API accepts them and others."""

WHOLE: Final = frozenset(_WHOLE)
"""The columns of `RANGES` without fractions: counts, grades, years and months."""
