"""Which model server answers for which model, and for which share of the houses: the document that says so."""

from typing import Annotated, Self

from pydantic import Field, HttpUrl, model_validator

from housing_price_orchestrator.shared.view.base import View

type ModelVersion = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,20}$", examples=["2"])]
"""The version of a model in the registry."""

type Share = Annotated[float, Field(gt=0, le=1)]

UNKNOWN = "unknown"
"""The version and the id of a model of which no route says anything."""


class Route(View):
    """The model servers of one version of the model."""

    version: ModelVersion
    """The version that they serve."""
    model_id: Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._:/@+-]*$")]
    """The id of that model, which it puts into each price."""
    addresses: Annotated[tuple[HttpUrl, ...], Field(min_length=1, max_length=64)]
    """Where they are; they share the work."""


class CanaryLimits(View):
    """What a canary may do worse than the champion before it is stopped."""

    max_error_ratio: Annotated[float, Field(ge=0, lt=1)] = 0.05
    """The share of its requests that it may fail; the champion answers those."""
    max_latency_ratio: Annotated[float, Field(ge=1, le=1000)] = 3.0
    """How many times as long as the champion it may take, by the medians."""
    max_median_deviation: Annotated[float, Field(gt=0, le=10)] = 0.15
    """How far its prices may be from the champion's for the same houses: the median of |log(price / price)|."""
    least_requests: Annotated[int, Field(ge=1, le=100_000)] = 50
    """Nothing is judged by fewer requests; the latest of them are judged."""


class CanaryRoute(Route):
    """A version that answers for a share of the houses."""

    weight: Share
    """The share of the houses' ids."""
    limits: CanaryLimits = CanaryLimits()
    """When it is stopped."""


class ShadowRoute(Route):
    """A version that sees copies of what is asked, and answers nobody."""

    sample: Share = 1.0
    """The share of the requests that are copied."""


class Routes(View):
    """Who answers at the moment."""

    revision: Annotated[int, Field(ge=0)]
    """Grows with each change."""
    champion: Route
    """Answers wherever nobody else does."""
    canary: CanaryRoute | None = None
    """Answers for some houses, on trial."""
    shadow: ShadowRoute | None = None
    """Is compared in secret."""

    @classmethod
    def to(cls, *addresses: HttpUrl) -> Self:
        """Route everything to model servers of which nothing more is known."""
        return cls.model_validate(
            {"revision": 0, "champion": {"version": UNKNOWN, "modelId": UNKNOWN, "addresses": addresses}}
        )

    @model_validator(mode="after")
    def _each_version_has_one_part(self) -> Self:
        versions = [route.version for route in (self.champion, self.canary, self.shadow) if route is not None]
        if len(set(versions)) < len(versions):
            raise ValueError("one version has two parts")
        return self
