"""The distance between two houses: its columns, their weights, and the scales that training adds.

Appraisers look for sold houses of the same neighbourhood and type, of similar size, quality and age. Mass appraisal
uses a weighted Euclidean distance over standardised characteristics (Todora & Whiterell 2002, "Automating the Sales
Comparison Approach", Assessment Journal 9(1)). A different word counts as a fixed difference, as in Gower 1971, "A
General Coefficient of Similarity and Some of Its Properties", Biometrics 27(4).

The weights were chosen by the error of the value (five-fold, seed 0). A neighbourhood counts much, and so does the
condition of the sale: a foreclosure is compared with foreclosures, a new house with new houses.

Sales that are not at arm's length (International Association of Assessing Officers, Standard on Ratio Studies, 2013,
appendix A) rank behind all others, unless the house itself is sold under the same condition: a foreclosure says little
about the value of the house next door.
"""

from typing import Any, Final, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from housing_price_model.artefact.served_comparables import Distance, Floats, Neighbours
from housing_price_survey.columns import CATEGORIES, COLUMNS

type Kind = Literal["number", "log", "word"]


class Measure(NamedTuple):
    """A column of the distance."""

    column: str
    """Its name."""
    kind: Kind
    """`number`; `log` for the logarithm of 1 + the number; `word` for a difference of 0 or 1."""
    weight: float
    """Its weight, per standard deviation of a number."""


MEASURES: Final = (
    Measure("GrLivArea", "log", 0.8),
    Measure("TotalBsmtSF", "log", 0.4),
    Measure("OverallQual", "number", 0.6),
    Measure("OverallCond", "number", 0.4),
    Measure("YearBuilt", "number", 0.8),
    Measure("LotArea", "log", 0.3),
    Measure("GarageCars", "number", 0.2),
    Measure("FullBath", "number", 0.3),
    Measure("Neighborhood", "word", 3.0),
    Measure("BldgType", "word", 1.0),
    Measure("SaleCondition", "word", 5.0),
)
"""The columns of the distance."""

CONDITION: Final = "SaleCondition"

RANKED_LAST: Final = frozenset({"Abnorml", "AdjLand", "Alloca", "Family"})
"""The sale conditions that rank behind all others: foreclosure, adjoining land, several deeds, family. Houses that are
sold under such a condition are compared with sales of the same condition first."""


def scaled_measures(values: Floats) -> list[dict[str, Any]]:
    """Add scale and range, learned from (n, columns) encoded sold houses, to each column of the distance.

    The scale is the standard deviation; 1 for a column in which all houses are equal.
    """
    return [_scaled(measure, values[:, COLUMNS.index(measure.column)]) for measure in MEASURES]


def _scaled(measure: Measure, column: Floats) -> dict[str, Any]:
    if measure.kind == "word":
        highest = float(len(CATEGORIES[measure.column]) - 1)
        return {**measure._asdict(), "scale": 1.0, "lowest": 0.0, "highest": highest}
    filled = np.nan_to_num(column)
    lowest, highest = float(filled.min()), float(filled.max())
    scale = float(np.std(np.log1p(filled) if measure.kind == "log" else filled))
    # The deviation of equal numbers is not always exactly 0.
    return {**measure._asdict(), "scale": scale if highest > lowest else 1.0, "lowest": lowest, "highest": highest}


def ranks_last(values: Floats) -> npt.NDArray[np.bool_]:
    """Tell which of (n, columns) encoded sales rank behind all others."""
    codes = [CATEGORIES[CONDITION].index(condition) for condition in sorted(RANKED_LAST)]
    return np.isin(values[:, COLUMNS.index(CONDITION)], codes)


def neighbours_of(values: Floats) -> Neighbours:
    """Prepare the search among (n, columns) encoded sold houses, with scales learned from them.

    `fitting.pipeline.ENCODER` encodes houses. The positions that the search returns are rows of `values`.
    """
    return Neighbours(Distance(COLUMNS, scaled_measures(values)), values, ranks_last(values))
