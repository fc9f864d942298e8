"""Types that several orders share."""

from typing import Annotated, Final

from pydantic import AfterValidator, Field

MAX_REGISTRY_NUMBER: Final = 2**31 - 1
"""Largest number of a version: the registry stores it as a 32-bit integer."""

MIN_SHARE: Final = 0.0001
"""Smallest share of the houses or requests: houses are split into 10,000 buckets."""

NO_NUL: Final = r"^[^\x00]*$"
"""Pattern of free text that is stored: Postgres, which may hold jobs and the model registry, has no NUL in a text."""


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
