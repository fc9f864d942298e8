"""Moves: orders that change the role of a model version."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Final, Self

from pydantic import Field, model_validator

from housing_price_platform.orders.base import NO_NUL, Share, VersionNumber
from housing_price_platform.orders.document import INTEGRAL, Document

MAX_CALLER_CHARACTERS: Final = 200
"""Longest name of a caller that is stored with a move."""


class Action(StrEnum):
    """The kinds of move."""

    PROMOTE = "promote"
    ROLLBACK = "rollback"
    CANARY = "canary"
    SHADOW = "shadow"
    ABORT = "abort"
    ARCHIVE = "archive"


class ServedModel(StrEnum):
    """The models of the registry that are served, each with versions and a champion of its own."""

    PRICE = "price"
    COMPARABLES = "comparables"


ACTIONS_OF_MODEL: Final[Mapping[ServedModel, tuple[Action, ...]]] = {
    ServedModel.PRICE: tuple(Action),
    # One version answers all requests: there is no canary and no shadow.
    ServedModel.COMPARABLES: (Action.PROMOTE, Action.ROLLBACK),
}
"""The actions that are possible for the versions of each model."""


class CanaryLimits(Document):
    """The limits beyond which a canary is stopped, relative to the champion."""

    max_error_ratio: Annotated[float, Field(ge=0, lt=1)] = 0.05
    """The maximum share of the canary's requests that fail. The champion answers those requests."""
    max_latency_ratio: Annotated[float, Field(ge=1, le=1000)] = 3.0
    """The maximum ratio of the canary's median latency to the champion's."""
    max_median_deviation: Annotated[float, Field(gt=0, le=10)] = 0.15
    """The maximum median of |log(canary price / champion price)| for the same houses."""
    least_requests: Annotated[int, Field(ge=1, le=100_000), INTEGRAL] = 50
    """The number of latest requests to compare. A canary with fewer requests is not stopped."""


class MoveOrder(Document):
    """A request to change the role of a version."""

    reason: Annotated[str, Field(max_length=1_000, pattern=NO_NUL, examples=["better on the June sales"])] = ""
    """The reason for the change, stored with it."""


class CanaryOrder(MoveOrder):
    """A request to make a version the canary."""

    weight: Share
    """The share of houses that the canary prices."""
    limits: CanaryLimits | None = None
    """The limits beyond which the canary is stopped; null uses the defaults."""


class ShadowOrder(MoveOrder):
    """A request to make a version the shadow."""

    sample: Share = 1.0
    """The share of requests to copy to the shadow."""


ORDER_OF_ACTION: Final[Mapping[Action, type[MoveOrder]]] = {
    Action.PROMOTE: MoveOrder,
    Action.ROLLBACK: MoveOrder,
    Action.CANARY: CanaryOrder,
    Action.SHADOW: ShadowOrder,
    Action.ABORT: MoveOrder,
    Action.ARCHIVE: MoveOrder,
}


class Move(Document):
    """The argument of a job of the queue `lifecycle`: a version, and the action to take on it."""

    action: Annotated[Action, Field(strict=False)]
    """The action."""
    version: VersionNumber
    """The version."""
    model: Annotated[ServedModel, Field(strict=False)] = ServedModel.PRICE
    """The model whose version it is."""
    weight: Share | None = None
    """The share of the houses that the canary prices; required for `canary`, rejected otherwise."""
    sample: Share | None = None
    """The share of the traffic that is copied to the shadow; 1 by default. Only for `shadow`."""
    limits: CanaryLimits | None = None
    """The limits beyond which the canary is stopped. Only for `canary`."""
    by: Annotated[str, Field(max_length=MAX_CALLER_CHARACTERS)] = ""
    """Who requested the move."""
    reason: Annotated[str, Field(max_length=1_000, pattern=NO_NUL)] = ""
    """The reason, in the requester's words."""

    @model_validator(mode="after")
    def _fits_the_action(self) -> Self:
        if self.action not in ACTIONS_OF_MODEL[self.model]:
            possible = " and ".join(ACTIONS_OF_MODEL[self.model])
            raise ValueError(f"action: for the {self.model} model only {possible} are possible")
        if (self.weight is None) is (self.action is Action.CANARY):
            raise ValueError("weight: required for a canary (from 0.0001 to 1) and not allowed otherwise")
        if self.limits is not None and self.action is not Action.CANARY:
            raise ValueError("limits: allowed for a canary only")
        if self.sample is not None and self.action is not Action.SHADOW:
            raise ValueError("sample: allowed for a shadow only")
        return self
