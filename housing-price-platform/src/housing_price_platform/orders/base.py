"""The base class and the shared types of orders."""

from typing import Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel

MAX_REGISTRY_NUMBER: Final = 2**31 - 1
"""Largest number of a version: the registry stores it as a 32-bit integer."""

MIN_SHARE: Final = 0.0001
"""Smallest share of the houses or requests: houses are split into 10,000 buckets."""

NO_NUL: Final = r"^[^\x00]*$"
"""Pattern of free text that is stored: Postgres, which may hold jobs and the model registry, has no NUL in a text."""


class Order(BaseModel):
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


def _whole_number(value: Any) -> Any:
    """Read a number without a fractional part as an integer, as JSON Schema does."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


WHOLE: Final = BeforeValidator(_whole_number)
"""Annotates an integer, behind its limits: `1.0` and `1e0` are the integer 1."""


def _check_registry_number(version: str) -> str:
    if int(version) > MAX_REGISTRY_NUMBER:
        raise ValueError(f"version numbers go up to {MAX_REGISTRY_NUMBER}")
    return version


type VersionNumber = Annotated[
    str, Field(pattern="^[1-9][0-9]{0,9}$", examples=["2"]), AfterValidator(_check_registry_number)
]
"""The number of a version in the registry, without leading zeros."""

type Share = Annotated[float, Field(ge=MIN_SHARE, le=1)]
"""A share of the houses or requests."""
