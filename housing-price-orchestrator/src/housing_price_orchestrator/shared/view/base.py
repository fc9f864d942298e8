"""The base class of every public JSON document, and its integers."""

from typing import Final

from pydantic import BaseModel, BeforeValidator, ConfigDict
from pydantic.alias_generators import to_camel

MAX_EXACT_FLOAT: Final = 2**53
"""From here on, different integers have the same floating-point number."""


def _integer_of(value: object) -> object:
    """Return an integer for a float without a fractional part; anything else is left for validation."""
    if isinstance(value, float) and value.is_integer() and abs(value) < MAX_EXACT_FLOAT:
        return int(value)
    return value


INTEGRAL: Final = BeforeValidator(_integer_of)
"""Annotates each integer that callers send: `1.0` and `2e0` are integers, as JSON Schema says.

Larger integers that are written as `9007199254740993.0` are read exactly by `interface/documents/strict_json.py`.
"""


class View(BaseModel):
    """A public JSON document: camelCase keys, no unknown keys, no coercion, immutable."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        validate_by_alias=True,
        validate_by_name=False,
        serialize_by_alias=True,
        extra="forbid",
        strict=True,
        frozen=True,
        allow_inf_nan=False,
        use_attribute_docstrings=True,
    )
