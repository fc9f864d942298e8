"""The routes file: which model servers serve which version, and for which share of the houses."""

from typing import Annotated, Final, Self

from pydantic import Field, HttpUrl, model_validator

from housing_price_orchestrator.shared.view.base import INTEGRAL, View
from housing_price_platform.orders.moves import CanaryLimits

type ModelVersion = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,20}$", examples=["2"])]
"""The version of a model in a routes file; the registry's own versions are numbers."""

type Share = Annotated[float, Field(gt=0, le=1)]

UNKNOWN: Final = "unknown"
"""Placeholder for the version and the id of a model when no routes file gives them."""


class Route(View):
    """The model servers of one model version."""

    version: ModelVersion
    """The version that the model servers serve."""
    model_id: Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._:/@+-]*$")]
    """The id of the model, as returned with each price."""
    addresses: Annotated[tuple[HttpUrl, ...], Field(min_length=1, max_length=64)]
    """The URLs of the model servers. Load is balanced over them."""

    def has_same_servers(self, other: Self) -> bool:
        """Return whether this and `other` name the same version and model at the same addresses."""
        own = (self.version, self.model_id, self.addresses)
        return own == (other.version, other.model_id, other.addresses)


class CanaryRoute(Route):
    """A version that prices a share of the houses."""

    weight: Share
    """The share of houses, selected by house id."""
    limits: CanaryLimits = CanaryLimits()
    """The limits beyond which the canary is stopped."""


class ShadowRoute(Route):
    """A version that receives copies of requests; its prices are logged and not returned."""

    sample: Share = 1.0
    """The share of requests to copy."""


class Routes(View):
    """The model versions in service."""

    revision: Annotated[int, Field(ge=0), INTEGRAL]
    """The revision of the routes, which increases with each change."""
    champion: Route
    """The version that prices every house that the canary does not price."""
    canary: CanaryRoute | None = None
    """The version on trial, which prices a share of the houses."""
    shadow: ShadowRoute | None = None
    """The version that receives copies of requests, for comparison."""

    @classmethod
    def to(cls, *addresses: HttpUrl) -> Self:
        """Route all houses to the model servers at `addresses`, whose version is unknown."""
        return cls.model_validate(
            {"revision": 0, "champion": {"version": UNKNOWN, "modelId": UNKNOWN, "addresses": addresses}}
        )

    @model_validator(mode="after")
    def _check_versions_are_distinct(self) -> Self:
        versions = [route.version for route in (self.champion, self.canary, self.shadow) if route is not None]
        if len(set(versions)) < len(versions):
            raise ValueError("a version must not have two roles")
        return self
