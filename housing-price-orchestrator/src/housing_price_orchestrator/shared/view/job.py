"""Jobs, as callers see them."""

from datetime import date, datetime
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from housing_price_orchestrator.shared.jobs import Job, JobKind, JobState
from housing_price_orchestrator.shared.view.base import View

type JobId = Annotated[str, Field(pattern="^[0-9a-f]{32}$", examples=["6f1c0e5a9d2b4c7f8e3a1b0c9d8e7f60"])]


class JobProgress(View):
    """How far a job is: in rows, or in steps."""

    rows_done: Annotated[int | None, Field(exclude_if=lambda value: value is None)] = None
    """How many rows of the file have been priced or refused."""
    rows_total: Annotated[int | None, Field(exclude_if=lambda value: value is None)] = None
    """How many rows the file has."""
    steps_done: Annotated[int | None, Field(exclude_if=lambda value: value is None)] = None
    """How many steps are done."""
    steps_total: Annotated[int | None, Field(exclude_if=lambda value: value is None)] = None
    """How many steps there are."""
    step: Annotated[str | None, Field(exclude_if=lambda value: value is None)] = None
    """What is being done."""


class JobError(View):
    """Why a job has failed."""

    code: Annotated[str, Field(examples=["input-unusable"])]
    """What happened, as a stable name."""
    detail: str
    """What can be done about it."""


class JobDocument(View):
    """A job: where it stands, and what became of it."""

    id: JobId
    """What it is known by."""
    type: JobKind
    """What is to be done."""
    state: JobState
    """`queued`, `running`, and then `succeeded`, `failed` or `cancelled`, which stay."""
    progress: JobProgress | None
    """How far it is; null while nothing is known about that."""
    created_at: datetime
    """When it was submitted."""
    started_at: datetime | None
    """When a worker took it, for the last time."""
    finished_at: datetime | None
    """When it came to its end."""
    error: JobError | None
    """Why it has failed; null where it has not."""

    @classmethod
    def of(cls, job: Job) -> Self:
        """Show a job."""
        progress = None
        if job.progress is not None:
            known = {field.alias: job.progress.get(str(field.alias)) for field in JobProgress.model_fields.values()}
            progress = JobProgress.model_validate(known)
        failure = job.failure
        return cls.model_validate(
            {
                "id": job.id,
                "type": job.kind,
                "state": job.state,
                "progress": progress,
                "createdAt": job.created_at,
                "startedAt": job.started_at,
                "finishedAt": job.finished_at,
                "error": None if failure is None else JobError(code=failure.code, detail=failure.detail),
            }
        )


class JobPage(View):
    """Some jobs, the latest first."""

    jobs: list[JobDocument]
    """The jobs."""
    next_offset: int | None
    """The `offset` of the next page; null where this is the last."""


type FileUri = Annotated[str, Field(min_length=1, max_length=1_000, examples=["s3://houses/2026/june.parquet"])]


class ScoringOrder(View):
    """Which file is to be priced, and where its prices are to be written."""

    input: FileUri
    """Below one of the stores that are configured; its name ends with `.csv`, `.ndjson` or `.parquet`."""
    output: FileUri
    """The same; there must be nothing yet. The refused rows are written beside it, to `<output>.refused.ndjson`."""


def _day(value: str) -> str:
    try:
        return date.fromisoformat(value).isoformat()
    except ValueError as error:
        raise ValueError("no such day: a date is written like 2026-06-30") from error


type Day = Annotated[str, AfterValidator(_day), Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]


class TrainingOrder(View):
    """What a model is to be trained from."""

    source: Literal["bundled", "csv", "prediction-log"] = "bundled"
    """`bundled` (the survey), `csv` (another file) or `prediction-log` (what was served, and sold since)."""
    data: Annotated[str | None, Field(min_length=1, max_length=2_000)] = None
    """With `csv`, and only then: where the file is, for the worker that trains."""
    from_: Annotated[Day | None, Field(alias="from", examples=["2026-01-01"])] = None
    """With `prediction-log`: the first day, as a date."""
    to: Annotated[Day | None, Field(examples=["2026-06-30"])] = None
    """With `prediction-log`: the last day, as a date."""
    seed: Annotated[int, Field(ge=0, le=2**32 - 1)] = 0
    """What the split and the model draw their chance from."""
    search: bool = False
    """Whether to look for better parameters first, which takes longer."""

    @model_validator(mode="after")
    def _what_is_said_belongs_together(self) -> Self:
        if (self.data is not None) != (self.source == "csv"):
            raise ValueError("`data` belongs to the source `csv`, and only to it")
        if self.source != "prediction-log" and (self.from_ is not None or self.to is not None):
            raise ValueError("`from` and `to` belong to the source `prediction-log`")
        if self.from_ is not None and self.to is not None and self.from_ > self.to:
            raise ValueError("`from` is later than `to`")
        return self
