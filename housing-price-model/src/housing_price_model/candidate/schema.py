"""The pandera schema of the houses: type, vocabulary, range and nullability of each column."""

import pandera.pandas as pa

from housing_price_model.survey.ranges import RANGES
from housing_price_survey.columns import CATEGORIES, COLUMNS, OPTIONAL, SUBCLASSES, TARGET


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
