"""The values of each feature that a price model has seen in training, and the features of a house outside of them.

A model replaces a number outside its range with the nearest value that it has seen, and has no evidence for a word that
it has not seen. Neither is an error, but the caller should know.
"""

from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Final, Literal

import msgspec

SALE_YEAR: Final = "yrSold"
"""Key of the year of sale: its range says which years' dollars the prices are in."""


class ValueRange(msgspec.Struct, frozen=True, gc=False):
    """The lowest and the highest value of a number."""

    low: float
    high: float


class FeatureWarning(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """A feature outside the values that the model has seen. Encoded as the view of the same name."""

    field: str
    """The key of the feature in the API."""
    value: str | int | float
    """The value of the house."""
    range: ValueRange | None = None
    """The values that the model has seen, if the feature is a number."""
    words: tuple[str | int, ...] | None = None
    """The words that the model has seen, if the feature is a category."""


class SeenValues(msgspec.Struct, frozen=True):
    """The values of one feature that a model has seen: a range, or words. Both are None if every value is as good."""

    key: str
    """The key of the feature in the API."""
    range: ValueRange | None = None
    words: tuple[str | int, ...] | None = None


class InputRanges:
    """The values that one model has seen, by feature in the order of the model's rows.

    Nearly every house has only seen values. msgspec checks that for all features in one compiled call, in a third of
    the time of a loop in Python.
    """

    def __init__(self, model_id: str, features: Sequence[SeenValues]) -> None:
        """Describe the model `model_id`."""
        self.model_id = model_id
        self.features = tuple(features)
        ranges = ((i, one.key, one.range) for i, one in enumerate(self.features))
        self._numbers = [(i, seen.low, seen.high, key, seen) for i, key, seen in ranges if seen is not None]
        words = ((i, one.key, one.words) for i, one in enumerate(self.features))
        self._categories = [(i, frozenset(seen), key, seen) for i, key, seen in words if seen is not None]
        self._seen_row: Any = msgspec.defstruct(
            "SeenRow", [(f"f{i}", _type_of(one)) for i, one in enumerate(self.features)], array_like=True, gc=False
        )

    def warnings_of(self, row: Sequence[Any]) -> tuple[FeatureWarning, ...]:
        """Return a warning for each value of a row that the model has not seen; an absent feature has none.

        Numbers come before categories, each in the order of the features.
        """
        try:
            msgspec.convert(row, self._seen_row)
        except msgspec.ValidationError:
            return tuple(self._outside(row))
        return ()

    def _outside(self, row: Sequence[Any]) -> Iterator[FeatureWarning]:
        for i, low, high, key, seen in self._numbers:
            value = row[i]
            if value is not None and not low <= value <= high:
                yield FeatureWarning(key, value, seen)
        for i, known, key, words in self._categories:
            value = row[i]
            if value is not None and value not in known:
                yield FeatureWarning(key, value, words=words)

    @property
    def sale_years(self) -> tuple[int, int] | None:
        """First and last year of the sales that the model has seen; its prices are in dollars of these years."""
        seen = next((one.range for one in self.features if one.key == SALE_YEAR), None)
        return None if seen is None else (int(seen.low), int(seen.high))


def _type_of(seen: SeenValues) -> Any:
    if seen.range is not None:
        return Annotated[float, msgspec.Meta(ge=seen.range.low, le=seen.range.high)] | None
    if seen.words is not None:
        return Literal[seen.words] | None if seen.words else None
    return Any
