"""Ratio studies of held-out estimates: overall, at arm's length, by price tier and by neighbourhood.

The measures and their sources are in `housing_price_survey.ratio_study`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from housing_price_model.artefact.served import Floats
from housing_price_model.survey.data import Houses
from housing_price_survey.ratio_study import ARMS_LENGTH, ratio_study, value_proxies

ALL: Final = "all sales"
AT_ARMS_LENGTH: Final = "at arm's length"
NOT_AT_ARMS_LENGTH: Final = "not at arm's length"

MIN_NEIGHBOURHOOD_SALES: Final = 30
"""Neighbourhoods with fewer sales are left out: chance alone moves their measures too much."""

_TIERS: Final = ("lowest quarter", "second quarter", "third quarter", "highest quarter")


@dataclass(frozen=True)
class Sales:
    """Sales that are studied together."""

    kind: str
    name: str
    rows: npt.NDArray[np.int64]


def ratio_studies(houses: Houses, estimates: Floats) -> list[dict[str, Any]]:
    """Study (n,) estimates of n sold houses, in US dollars.

    Returns:
        One object for each set of sales: its `kind` (`overall`, `price tier` or `neighbourhood`), its `name`, and the
        measures of `RatioStudy.to_json`. The first is that of all sales.
    """
    return [
        {"kind": one.kind, "name": one.name}
        | ratio_study(estimates[one.rows].tolist(), houses.prices[one.rows].tolist()).to_json()
        for one in _sets_of_sales(houses, estimates)
    ]


def _sets_of_sales(houses: Houses, estimates: Floats) -> Iterator[Sales]:
    """Yield the sets that have sales.

    Tiers are quarters by half of the sale price plus half of the estimate, because tiers by sale price show a bias that
    good estimates have too: the lowest quarter holds the houses that were sold too cheaply by chance.
    """
    everything = np.arange(len(houses))
    is_normal = (houses.features["SaleCondition"] == ARMS_LENGTH).to_numpy()
    yield Sales("overall", ALL, everything)
    for name, chosen in ((AT_ARMS_LENGTH, is_normal), (NOT_AT_ARMS_LENGTH, ~is_normal)):
        if chosen.any():
            yield Sales("overall", name, everything[chosen])
    order = np.argsort(value_proxies(estimates.tolist(), houses.prices.tolist()), kind="stable")
    for name, rows in zip(_TIERS, np.array_split(order, len(_TIERS)), strict=True):
        if len(rows):
            yield Sales("price tier", name, rows)
    neighbourhoods = houses.features["Neighborhood"].to_numpy()
    for name in sorted(set(neighbourhoods.tolist())):
        rows = np.flatnonzero(neighbourhoods == name)
        if len(rows) >= MIN_NEIGHBOURHOOD_SALES:
            yield Sales("neighbourhood", name, rows)
