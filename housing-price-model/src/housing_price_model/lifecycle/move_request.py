"""The request for a move: the only argument of the workflow `move`."""

from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import Field, ValidationError, model_validator

from housing_price_model.errors import MoveError
from housing_price_model.lifecycle.documents import CanaryLimits, Document, Share, VersionNumber


class Action(StrEnum):
    """The kinds of move."""

    PROMOTE = "promote"
    ROLLBACK = "rollback"
    CANARY = "canary"
    SHADOW = "shadow"
    ABORT = "abort"
    ARCHIVE = "archive"


class Move(Document):
    """A version, and the action to take on it.

    Attributes:
        weight: Share of the houses that the canary prices; required for `canary`, rejected otherwise.
        sample: Share of the traffic that is copied to the shadow; 1 by default. Only for `shadow`.
        limits: Limits at which the canary is taken out of service. Only for `canary`.
        by: Who requested the move.
        reason: Why, in the requester's words.
    """

    action: Annotated[Action, Field(strict=False)]
    version: VersionNumber
    weight: Share | None = None
    sample: Share | None = None
    limits: CanaryLimits | None = None
    by: Annotated[str, Field(max_length=200)] = ""
    reason: Annotated[str, Field(max_length=1000)] = ""

    @model_validator(mode="after")
    def _fits_the_action(self) -> Self:
        if (self.weight is None) is (self.action is Action.CANARY):
            raise ValueError("weight: required for a canary (more than 0, at most 1) and not allowed otherwise")
        if self.limits is not None and self.action is not Action.CANARY:
            raise ValueError("limits: allowed for a canary only")
        if self.sample is not None and self.action is not Action.SHADOW:
            raise ValueError("sample: allowed for a shadow only")
        return self

    @classmethod
    def from_job(cls, given: Any) -> Self:
        """Parse the argument of a job.

        Raises:
            MoveError: `invalid-argument`; the message lists each invalid key.
        """
        try:
            return cls.model_validate(given)
        except ValidationError as error:
            findings = (
                f"{'.'.join(map(str, one['loc'])) or 'the argument'}: {one['msg'].removeprefix('Value error, ')}"
                for one in error.errors(include_url=False, include_context=False, include_input=False)
            )
            raise MoveError("invalid-argument", "; ".join(findings)) from error
