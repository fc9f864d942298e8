"""Jobs: the documents that callers send and receive."""

from datetime import date, datetime
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from housing_price_orchestrator.shared.jobs import Job, JobKind, JobState
from housing_price_orchestrator.shared.view.base import View

type JobId = Annotated[str, Field(pattern="^[0-9a-f]{32}$", examples=["6f1c0e5a9d2b4c7f8e3a1b0c9d8e7f60"])]


class JobProgress(View):
    """The progress of a job, in rows or in steps."""

    rows_done: Annotated[int | None, Field(exclude_if=lambda value: value is None)] = None
    """The number of rows priced or refused so far."""
    rows_total: Annotated[int | None, Field(exclude_if=lambda value: value is None)] = None
    """The number of rows in the file."""
    steps_done: Annotated[int | None, Field(exclude_if=lambda value: value is None)] = None
    """The number of completed steps."""
    steps_total: Annotated[int | None, Field(exclude_if=lambda value: value is None)] = None
    """The total number of steps."""
    step: Annotated[str | None, Field(exclude_if=lambda value: value is None)] = None
    """The current step."""


class JobError(View):
    """The reason why a job failed."""

    code: Annotated[str, Field(examples=["input-unusable"])]
    """A stable code for the failure."""
    detail: str
    """What happened and how to fix it."""


class JobDocument(View):
    """A job, with its state and its progress."""

    id: JobId
    """The unique id of the job."""
    type: JobKind
    """The type of work."""
    state: JobState
    """The state of the job. `succeeded`, `failed` and `cancelled` are final."""
    progress: JobProgress | None
    """The progress of the job; null until the first progress is reported."""
    created_at: datetime
    """When the job was submitted."""
    started_at: datetime | None
    """When a worker last started the job; null while the job has not started."""
    finished_at: datetime | None
    """When the job ended; null while it has not ended."""
    error: JobError | None
    """Why the job failed; null unless it failed."""

    @classmethod
    def of(cls, job: Job) -> Self:
        """Build the document of a job."""
        progress = None
        if job.progress is not None:
            document = {field.alias: job.progress.get(str(field.alias)) for field in JobProgress.model_fields.values()}
            progress = JobProgress.model_validate(document)
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
    """A page of jobs, newest first."""

    jobs: list[JobDocument]
    """The jobs on this page."""
    next_offset: int | None
    """The `offset` of the next page; null on the last page."""


type FileUri = Annotated[str, Field(min_length=1, max_length=1_000, examples=["s3://houses/2026/june.parquet"])]


class ScoringOrder(View):
    """A request to price a file in a configured store."""

    input: FileUri
    """The URI of the file, under a configured store, ending with `.csv`, `.ndjson` or `.parquet`."""
    output: FileUri
    """The URI for the prices, by the same rules. Refused rows go to `<output>.refused.ndjson`. Neither may exist."""


def _check_day(value: str) -> str:
    try:
        return date.fromisoformat(value).isoformat()
    except ValueError as error:
        raise ValueError("not a valid date; use the format 2026-06-30") from error


type Day = Annotated[str, AfterValidator(_check_day), Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]


class TrainingOrder(View):
    """A request to train a model."""

    source: Literal["bundled", "csv", "prediction-log"] = "bundled"
    """The training data: `bundled` (the survey), `csv` (a file) or `prediction-log` (priced houses sold since)."""
    data: Annotated[str | None, Field(min_length=1, max_length=2_000)] = None
    """The path of the file on the training worker. Required with `csv`, and allowed only with it."""
    from_: Annotated[Day | None, Field(alias="from", examples=["2026-01-01"])] = None
    """The first day of the data, with `prediction-log`."""
    to: Annotated[Day | None, Field(examples=["2026-06-30"])] = None
    """The last day of the data, with `prediction-log`."""
    seed: Annotated[int, Field(ge=0, le=2**32 - 1)] = 0
    """The random seed of the data split and the model."""
    search: bool = False
    """Whether to search for better hyperparameters first, which takes longer."""

    @model_validator(mode="after")
    def _check_source_options(self) -> Self:
        if (self.data is not None) != (self.source == "csv"):
            raise ValueError("`data` is required with the source `csv` and allowed only with it")
        if self.source != "prediction-log" and (self.from_ is not None or self.to is not None):
            raise ValueError("`from` and `to` are allowed only with the source `prediction-log`")
        if self.from_ is not None and self.to is not None and self.from_ > self.to:
            raise ValueError("`from` must not be later than `to`")
        return self
