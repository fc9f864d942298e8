"""The reports of finished jobs, as `GET /api/v1/jobs/{id}/result` returns them. The workers make them."""

from typing import Annotated, Final, Literal

from pydantic import ConfigDict, Field

from housing_price_orchestrator.shared.view.base import View
from housing_price_orchestrator.shared.view.job import FileUri
from housing_price_platform.orders.base import VersionNumber
from housing_price_platform.orders.moves import ServedModel

type VersionState = Literal["registered", "challenger", "shadow", "canary", "champion", "archived"]
"""The states of a model version."""


class Report(View):
    """The result of a job. A worker of another release may add keys."""

    model_config = ConfigDict(extra="allow")


class ScoringReport(Report):
    """The result of a job that priced a file in a store. The prices are in the file `output`."""

    rows_total: int
    """The number of rows in the file."""
    rows_priced: int
    """The number of rows in the file of prices."""
    rows_refused: int
    """The number of rows without a price."""
    rows_unlisted: Annotated[int | None, Field(exclude_if=lambda value: value is None)] = None
    """The number of refused rows that are not listed, because the file of refused rows has reached its maximum size."""
    output: FileUri
    """The URI of the prices."""
    refused: str
    """The URI of the refused rows."""


class GateCheck(View):
    """One check of a trained model."""

    check: str
    """The name of the check."""
    passed: bool
    """Whether the model passed the check."""
    value: float
    """The measured value."""
    limit: float
    """The largest, or smallest, value that passes."""
    says: str
    """The result in words."""


class TrainedComparables(View):
    """The comparables model of a training job."""

    version: VersionNumber | None
    """The version that was registered; null if the gate failed, or the model is not new."""
    is_challenger: bool
    """Whether a version was registered, as a challenger."""
    same_as: Annotated[VersionNumber | None, Field(exclude_if=lambda value: value is None)] = None
    """The registered version that is identical to the trained model; nothing was registered then."""


class TrainingReport(Report):
    """The result of a training job."""

    version: VersionNumber | None
    """The version that was registered; null if the gate failed, or the model is not new."""
    is_challenger: bool
    """Whether a version was registered, as a challenger."""
    same_as: Annotated[VersionNumber | None, Field(exclude_if=lambda value: value is None)] = None
    """The registered version that is identical to the trained model; nothing was registered then."""
    gate: list[GateCheck]
    """The checks of the gate."""
    metrics: dict[str, float]
    """The cross-validated measures of the model, by name."""
    comparables: Annotated[TrainedComparables | None, Field(exclude_if=lambda value: value is None)] = None
    """The comparables model that was trained in the same run. Absent if the job began with an earlier release."""


class MoveReport(Report):
    """The result of a job that moved a model version."""

    model: ServedModel
    """The model whose version was moved."""
    version: VersionNumber
    """The version."""
    state: VersionState
    """The state of the version after the move."""
    previous: VersionNumber | None
    """The other version that changed state: the replaced champion, or the one that returned; null if there is none."""
    revision: int
    """The revision of the routes after the move."""


REPORTS: Final[tuple[type[Report], ...]] = (ScoringReport, TrainingReport, MoveReport)
"""The reports, each of another kind of job."""
