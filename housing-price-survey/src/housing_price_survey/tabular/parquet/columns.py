"""Reads the columns of Parquet files as Python values. Needs pyarrow: the extra `parquet`."""

import math
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

import pyarrow as pa

from housing_price_survey.tabular.names import BLANKS, SPACES
from housing_price_survey.tabular.numbers import integer_of

type Values = Sequence[object]
type ColumnReader = Callable[[pa.Array], Values]
"""Returns the values of an array. Each depends on nothing but its own element."""


class Column(NamedTuple):
    """The part of a column that is in one batch of rows."""

    array: pa.Array
    """Never dictionary-encoded."""
    read: ColumnReader

    def values(self) -> Values:
        """Return the values, in order."""
        return self.read(self.array)


def reader_for(kind: pa.DataType, *, is_survey: bool) -> ColumnReader | None:
    """Return the reader of a type, or of the values of a dictionary; None if the type is not supported."""
    types = pa.types
    reader: ColumnReader | None = None
    if types.is_dictionary(kind):
        reader = reader_for(kind.value_type, is_survey=is_survey)
    elif types.is_null(kind):
        reader = _nulls
    elif types.is_integer(kind):
        reader = unchanged
    elif types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind):
        reader = _trimmed if is_survey else unchanged
    elif types.is_floating(kind):
        reader = _measured if is_survey else _numbers
    elif types.is_decimal(kind):
        reader = _decimals
    return reader


def _nulls(array: pa.Array) -> Values:
    return [None] * len(array)


def unchanged(array: pa.Array) -> Values:
    """Read values that are valid as they are."""
    return list(array.to_pylist())


def _trimmed(array: pa.Array) -> Values:
    texts = [None if text is None else text.strip(SPACES) for text in array.to_pylist()]
    return [None if text in BLANKS else text for text in texts]


def _numbers(array: pa.Array) -> Values:
    return [None if value is None else _number(value) for value in array.cast(pa.float64()).to_pylist()]


def _measured(array: pa.Array) -> Values:
    """Read numbers of a file with the survey's names, in which NaN means "absent"."""
    values = array.cast(pa.float64()).to_pylist()
    return [None if value is None or math.isnan(value) else _number(value) for value in values]


def _number(value: float) -> object:
    if value.is_integer():
        return int(value)
    # JSON has no NaN or infinity. As text, validation rejects the value and names the field.
    return value if math.isfinite(value) else str(value)


def _decimals(array: pa.Array) -> Values:
    return [None if value is None else _decimal(value) for value in array.to_pylist()]


def _decimal(value: Decimal) -> Any:
    integer = integer_of(str(value))
    return float(value) if integer is None else integer
