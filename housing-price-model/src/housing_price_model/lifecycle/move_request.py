"""What a move is asked for with: the one argument of the workflow `move`."""

from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import Field, ValidationError, model_validator

from housing_price_model.errors import MoveError
from housing_price_model.lifecycle.documents import CanaryLimits, Document, Share, VersionNumber


class Action(StrEnum):
    """What is to be done with a version."""

    PROMOTE = "promote"
    ROLLBACK = "rollback"
    CANARY = "canary"
    SHADOW = "shadow"
    ABORT = "abort"
    ARCHIVE = "archive"


class Move(Document):
    """A version, and what is to be done with it.

    Attributes:
        weight: Of a canary, and only of one: the share of callers that it answers.
        sample: Of a shadow: the share of prices that it makes, too; all by default.
        limits: Of a canary.
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
            raise ValueError("weight: is for a canary, which needs one: more than 0, at most 1")
        if self.limits is not None and self.action is not Action.CANARY:
            raise ValueError("limits: are for a canary only")
        if self.sample is not None and self.action is not Action.SHADOW:
            raise ValueError("sample: is for a shadow only")
        return self

    @classmethod
    def from_job(cls, given: Any) -> Self:
        """Read the argument of a job.

        Raises:
            MoveError: `invalid-argument`; it says what is wrong.
        """
        try:
            return cls.model_validate(given)
        except ValidationError as exc:
            findings = (
                f"{'.'.join(map(str, one['loc'])) or 'the argument'}: {one['msg'].removeprefix('Value error, ')}"
                for one in exc.errors(include_url=False, include_context=False, include_input=False)
            )
            raise MoveError("invalid-argument", "; ".join(findings)) from exc
