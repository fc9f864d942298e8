"""The base class of the JSON documents that services exchange, and their integers."""

from typing import Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict
from pydantic.alias_generators import to_camel

MAX_EXACT_FLOAT: Final = 2**53
"""From here on, different integers have the same floating-point number."""


class Document(BaseModel):
    """A JSON document: camelCase keys, no unknown keys, no coercion, immutable."""

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


def to_integer(value: Any) -> Any:
    """Return an integer for a float without a fractional part; return anything else unchanged."""
    if isinstance(value, float) and value.is_integer() and abs(value) < MAX_EXACT_FLOAT:
        return int(value)
    return value


INTEGRAL: Final = BeforeValidator(to_integer)
"""Annotates each integer of a document: `1.0` and `2e0` are integers, as JSON Schema says.

Larger integers, such as `9007199254740993.0`, are not exact as floats. The orchestrator reads them from the text.
"""
