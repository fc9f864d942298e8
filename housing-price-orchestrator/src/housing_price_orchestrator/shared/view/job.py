"""Jobs: the documents that callers send and receive."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import Field

from housing_price_orchestrator.shared.jobs import NEXT_STATES, Job, JobKind, JobState
from housing_price_orchestrator.shared.view.base import View
from housing_price_platform.orders.base import NO_NUL

type JobId = Annotated[str, Field(pattern="^[0-9a-f]{32}$", examples=["6f1c0e5a9d2b4c7f8e3a1b0c9d8e7f60"])]


class JobProgress(View):
    """The progress of a job, in rows or in steps."""

    rows_done: Annotated[int | None, Field(exclude_if=lambda value: value is None)] = None
    """The number of rows priced or refused so far."""
    rows_total: Annotated[int | None, Field(exclude_if=lambda value: value is None)] = None
    """The number of rows in the file."""
    rows_unlisted: Annotated[int | None, Field(exclude_if=lambda value: value is None)] = None
    """The number of refused rows that are not listed, because the file of refused rows has reached its maximum size."""
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
    """The failure and how to fix it."""


class ScoringResult(View):
    """The rows of a finished scoring job."""

    rows_priced: int
    """The number of rows in the result."""
    rows_refused: int
    """The number of rows in the file of refused rows."""


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
    result: ScoringResult | None
    """The rows that can be collected from a finished scoring job; null for unfinished jobs and jobs of other types.

    Both numbers are 0 for a job that was cancelled, or failed with another code than `no-row-priced`.
    """

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
                "result": _result_of(job),
            }
        )


def _result_of(job: Job) -> ScoringResult | None:
    if job.kind != "scoring" or NEXT_STATES[job.state]:
        return None
    counts = job.output or (None if job.failure is None else job.failure.facts) or {}
    found = {key: counts.get(key) for key in ("rowsPriced", "rowsRefused")}
    # The database is not trusted to hold numbers.
    return ScoringResult.model_validate({key: n if isinstance(n, int) else 0 for key, n in found.items()})


class JobPage(View):
    """A page of jobs, newest first."""

    jobs: list[JobDocument]
    """The jobs on this page."""
    next_offset: int | None
    """The `offset` of the next page; null on the last page."""


type FileUri = Annotated[
    str, Field(min_length=1, max_length=1_000, pattern=NO_NUL, examples=["s3://houses/2026/june.parquet"])
]


class ScoringOrder(View):
    """A request to price a file in a configured store."""

    input: FileUri
    """The URI of the file, under a configured store, ending with `.csv`, `.ndjson` or `.parquet`."""
    output: FileUri
    """The URI for the prices, by the same rules. Refused rows go to `<output>.refused.ndjson`. Neither may exist."""
