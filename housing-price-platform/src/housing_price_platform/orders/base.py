"""Types that several orders share."""

from typing import Annotated, Final

from pydantic import Field

MIN_SHARE: Final = 0.0001
"""Smallest share of the houses or requests: houses are split into 10,000 buckets."""

NO_NUL: Final = r"^[^\x00]*$"
"""Pattern of free text that is stored: Postgres, which may hold jobs and the model registry, has no NUL in a text."""

type VersionNumber = Annotated[str, Field(pattern="^[1-9][0-9]{0,8}$", examples=["2"])]
"""The number of a version in the registry, without leading zeros.

The registry stores it as a 32-bit integer, which holds every number of nine digits.
"""

type Share = Annotated[float, Field(ge=MIN_SHARE, le=1)]
"""A share of the houses or requests."""
