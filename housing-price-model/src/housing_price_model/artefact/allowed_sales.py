"""Check that the specification of a comparables model and its arrays of sold houses agree.

The model's code reads `spec.json` and the arrays together. Contents that contradict each other would end a server with
a traceback, or let it answer with the values of other columns.
"""

import re
from collections.abc import Collection
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from housing_price_model.artefact.kinds import ARRAYS, SPECIFICATION
from housing_price_model.errors import ArtefactError

_BLANK: Final = -1
"""The position of a blank among the categories."""

_CALENDAR: Final[tuple[tuple[Literal["year", "month"], int, int], ...]] = (("year", 1800, 2100), ("month", 1, 12))
"""The keys of the columns with the date of the sale, and the lowest and highest values that callers accept."""

_MAX_PRICE_USD: Final = 1e9
"""The highest sale price that callers accept."""

_PID: Final = re.compile(rb"(?:[0-9A-Za-z][0-9A-Za-z._-]{0,31})?")
"""The parcel numbers that callers accept; empty for a sale without one."""

_KINDS: Final = {"categories": "words", "numbers": "numbers"}
"""The kind of values in the columns of each array of features."""

type _Word = str | int
type _Positive = Annotated[float, Field(gt=0)]
type _Share = Annotated[float, Field(ge=0, le=1)]
type _NotNegative = Annotated[float, Field(ge=0)]


class _Document(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, allow_inf_nan=False)


class _Measure(_Document):
    column: str
    kind: Literal["number", "log", "word"]
    weight: _NotNegative
    scale: _Positive
    lowest: float
    highest: float


class _Confidence(_Document):
    high: _Share
    medium: _Share


class _Blend(_Document):
    weight: _Share
    distance_offset: _Positive
    interval_scale: _NotNegative
    interval_spread: _NotNegative
    confidence: _Confidence | None = None


class _Specification(_Document):
    """The content of `spec.json`; `pack.pack_comparables` writes it."""

    columns: Annotated[list[str], Field(min_length=1)]
    categories: dict[str, Annotated[list[_Word], Field(min_length=1)]]
    optional: list[str]
    blanks: dict[str, _Word]
    distance: Annotated[list[_Measure], Field(min_length=1)]
    ranked_last: list[_Word]
    condition: str
    year: str
    month: str
    blend: _Blend
    model_id: Annotated[str, Field(min_length=1)]

    @property
    def words(self) -> list[str]:
        """The columns of words, in the order of the array `categories`."""
        return [name for name in self.columns if name in self.categories]

    @property
    def numbers(self) -> list[str]:
        """The columns of numbers, in the order of the array `numbers`."""
        return [name for name in self.columns if name not in self.categories]

    def column(self, key: Literal["year", "month"]) -> str:
        """Return the column that stands under a key."""
        return self.year if key == "year" else self.month

    def may_be_blank(self, column: str) -> bool:
        """Whether a column may have no value."""
        return column in self.optional or column in self.blanks


def check_sales(model: Path) -> None:
    """Check the specification of a model folder and the values of its arrays, which `check_arrays` has accepted.

    Raises:
        ArtefactError: The specification is invalid, or contradicts itself or the arrays.
    """
    path = model / SPECIFICATION
    specification = _read(path)
    try:
        arrays = {name: np.load(model / file, allow_pickle=False) for name, file in ARRAYS.items()}
    except (OSError, ValueError) as error:
        raise ArtefactError(f"{model}: cannot read the arrays ({error})") from error
    if finding := _contradiction(specification) or _contradiction_of_arrays(specification, arrays):
        raise ArtefactError(f"{path}: rejected: {finding}; export the model again")


def _read(path: Path) -> _Specification:
    try:
        return _Specification.model_validate_json(path.read_bytes())
    except OSError as error:
        raise ArtefactError(f"{path}: cannot read the specification ({error})") from error
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(map(str, first["loc"])) or "the document"
        raise ArtefactError(f"{path}: rejected: {where}: {first['msg']}; export the model again") from error


def _contradiction(specification: _Specification) -> str | None:
    """Return how the specification contradicts itself; None if it does not."""
    columns, categories = specification.columns, specification.categories
    if len(set(columns)) != len(columns):
        return "columns: a name is repeated"
    named: dict[str, Collection[str]] = {
        "categories": categories,
        "optional": specification.optional,
        "blanks": specification.blanks,
        "distance": [measure.column for measure in specification.distance],
        "condition": [specification.condition],
        "year": [specification.year],
        "month": [specification.month],
    }
    for key, names in named.items():
        if unknown := [name for name in names if name not in columns]:
            return f"{key}: {unknown[0]!r} is not one of the columns"
    for name, word in specification.blanks.items():
        if word not in categories.get(name, ()):
            return f"blanks: {word!r} is not one of the categories of {name}"
    for key, _, _ in _CALENDAR:
        if specification.column(key) in categories:
            return f"{key}: {specification.column(key)} is a column of words, not of numbers"
    for word in specification.ranked_last:
        if word not in categories.get(specification.condition, ()):
            return f"ranked_last: {word!r} is not one of the categories of {specification.condition}"
    return _contradiction_of_numbers(specification)


def _contradiction_of_numbers(specification: _Specification) -> str | None:
    confidence = specification.blend.confidence
    if confidence is not None and confidence.high > confidence.medium:
        return "blend: the limit of the grade high is above that of medium"
    for measure in specification.distance:
        if (measure.kind == "word") != (measure.column in specification.categories):
            return f"distance: {measure.column} is not a column of kind {measure.kind}"
        if measure.lowest > measure.highest:
            return f"distance: the lowest value of {measure.column} is above its highest"
        if measure.kind == "log" and measure.lowest <= -1:
            return f"distance: {measure.column} has no logarithm from {measure.lowest:g} on"
    return None


def _contradiction_of_arrays(specification: _Specification, arrays: dict[str, npt.NDArray[Any]]) -> str | None:
    """Return how the arrays contradict the specification; None if they do not."""
    for key, columns in (("categories", specification.words), ("numbers", specification.numbers)):
        if arrays[key].shape[1] != len(columns):
            return f"columns: {len(columns)} columns of {_KINDS[key]}, but {ARRAYS[key]} has {arrays[key].shape[1]}"
    for name, positions in zip(specification.words, arrays["categories"].T, strict=True):
        count = len(specification.categories[name])
        if positions.min() < _BLANK or positions.max() >= count:
            return f"categories: {ARRAYS['categories']} holds positions that {name} with {count} categories lacks"
        if positions.min() == _BLANK and not specification.may_be_blank(name):
            return f"optional: {name} must have values, but {ARRAYS['categories']} has blanks"
    for name, values in zip(specification.numbers, arrays["numbers"].T, strict=True):
        if np.isinf(values).any():
            return f"columns: {ARRAYS['numbers']} holds infinite values of {name}"
        if np.isnan(values).any() and not specification.may_be_blank(name):
            return f"optional: {name} must have values, but {ARRAYS['numbers']} has blanks"
    return _invalid_sale(specification, arrays)


def _invalid_sale(specification: _Specification, arrays: dict[str, npt.NDArray[Any]]) -> str | None:
    """Return what is wrong with the sales themselves; callers refuse such sales. None if nothing is."""
    for key, low, high in _CALENDAR:
        column = specification.column(key)
        values = arrays["numbers"][:, specification.numbers.index(column)]
        if not _are_whole(values):
            return f"{key}: {ARRAYS['numbers']} holds values of {column} that are not whole"
        if values.min() < low or values.max() > high:
            return f"{key}: {ARRAYS['numbers']} holds values of {column} that are not from {low} to {high}"
    return _invalid_identity(arrays) or _invalid_price(arrays["prices"])


def _invalid_price(prices: npt.NDArray[np.float64]) -> str | None:
    if np.isfinite(prices).all() and (prices > 0).all() and (prices <= _MAX_PRICE_USD).all():
        return None
    return f"{ARRAYS['prices']} holds sale prices that are not positive numbers up to {_MAX_PRICE_USD:,.0f}"


def _invalid_identity(arrays: dict[str, npt.NDArray[Any]]) -> str | None:
    ids = arrays["ids"]
    if ids.min() < 1:
        return f"{ARRAYS['ids']} holds numbers of sales below 1"
    if len(np.unique(ids)) < len(ids):
        return f"{ARRAYS['ids']} holds the number of a sale twice"
    if not all(map(_PID.fullmatch, arrays["pids"].tolist())):
        return f"{ARRAYS['pids']} holds parcel numbers that are not 1 to 32 letters, digits, '.', '_' and '-'"
    return None


def _are_whole(values: npt.NDArray[np.float64]) -> bool:
    return bool((values == np.floor(values)).all())
