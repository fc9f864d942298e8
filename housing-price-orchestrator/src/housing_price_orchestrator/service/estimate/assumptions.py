"""The assumed features: one value for each, and how far the completed houses agree on it."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from statistics import median, median_low
from typing import Any, Final

from housing_price_orchestrator.service.estimate.related_features import Features
from housing_price_orchestrator.shared.view.fields import HouseField

SIMILAR_SHARE: Final = 0.1
"""Two areas, lengths or amounts agree if they differ by no more than this share."""

SIMILAR_YEARS: Final = 5
"""Two years agree if they differ by no more than this."""

_MIN_HIGHEST_YEAR: Final = 1_000
"""An integer that may be so large is a year; others are counts, grades and months."""


@dataclass(frozen=True, slots=True)
class Assumption:
    """An assumed feature."""

    key: str
    """The key of the feature in the API."""
    value: Any
    """The assumed value; None if the house is assumed not to have the feature."""
    agreement: float
    """Share of the completed houses that agree, from 0 to 1."""


def assumptions_of(
    completed: Sequence[Features], known: Collection[str], fields: Sequence[HouseField]
) -> list[Assumption]:
    """Summarise each feature that is not known.

    The value of an area, a length, an amount or a year is the median, and similar values agree. The value of a word, a
    count, a grade or a month is the most frequent one, and equal values agree; of equally frequent values that of the
    house that is nearest.
    """
    return [
        _assumption(field, [house[field.name] for house in completed])
        for field in fields
        if field.name in completed[0] and field.name not in known
    ]


def _assumption(field: HouseField, values: Sequence[Any]) -> Assumption:
    present = [value for value in values if value is not None]
    is_year = field.kind == "integer" and not field.words and (field.maximum or 0) >= _MIN_HIGHEST_YEAR
    if not (field.kind == "number" or is_year):
        ((value, count),) = Counter(values).most_common(1)
        return Assumption(field.key, value, count / len(values))
    if 2 * len(present) < len(values):
        return Assumption(field.key, None, (len(values) - len(present)) / len(values))
    middle = median_low(present) if is_year else median(present)
    tolerance = SIMILAR_YEARS if is_year else SIMILAR_SHARE * middle
    agreeing = sum(abs(value - middle) <= tolerance for value in present)
    return Assumption(field.key, middle, agreeing / len(values))
