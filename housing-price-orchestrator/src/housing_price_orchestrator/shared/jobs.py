"""Jobs: asynchronous work that callers submit and workers run, and the states that a job passes through."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, Literal, Self, get_args

from housing_price_orchestrator.shared.errors import JobFinished

type JobKind = Literal["scoring", "training", "lifecycle"]
"""The kind of work: price a file, train a model, or change the role of a version."""

JOB_KINDS: Final[frozenset[JobKind]] = frozenset(get_args(JobKind.__value__))

type JobState = Literal["queued", "running", "succeeded", "failed", "cancelled"]

NO_ROW_PRICED: Final = "no-row-priced"
"""Code of the failure of a scoring job that priced no row; its refused rows can be collected."""

NEXT_STATES: Final[Mapping[JobState, frozenset[JobState]]] = {
    "queued": frozenset({"running", "cancelled"}),
    # Back to `queued` when its worker has died: another worker resumes it.
    "running": frozenset({"queued", "succeeded", "failed", "cancelled"}),
    "succeeded": frozenset(),
    "failed": frozenset(),
    "cancelled": frozenset(),
}
"""The states that may follow each state; none for a final state."""


@dataclass(frozen=True, slots=True)
class JobFailure:
    """Why a job failed."""

    code: str
    """A stable public code."""
    detail: str
    """The explanation for the caller."""
    facts: Mapping[str, Any] | None = None
    """Further facts as JSON: of a job that priced no row, `rowsPriced` and `rowsRefused`."""


@dataclass(frozen=True, slots=True)
class JobOrder:
    """A job to be put into the queue."""

    id: str
    kind: JobKind
    owner: str
    """The caller's id; empty if authentication is off."""
    fingerprint: str
    """A hash of the request, to detect an idempotency key that is reused for another request."""
    arguments: Mapping[str, Any]
    """The arguments for the worker, as JSON."""
    claim: str | None = None
    """A resource that no other unfinished job of this kind may claim; None claims nothing."""


@dataclass(frozen=True, slots=True)
class Job:
    """A job and its state."""

    id: str
    kind: JobKind
    owner: str
    fingerprint: str
    arguments: Mapping[str, Any]
    state: JobState
    created_at: datetime
    started_at: datetime | None = None
    """When a worker last started the job."""
    finished_at: datetime | None = None
    progress: Mapping[str, Any] | None = None
    """`rowsDone` and `rowsTotal`, or `stepsDone`, `stepsTotal` and `step`; None before the first report."""
    failure: JobFailure | None = None
    output: Mapping[str, Any] | None = None
    """The worker's result, as JSON; None unless the job succeeded."""

    def with_state(self, state: JobState) -> Self:
        """Return the job in its next state.

        Raises:
            JobFinished: the current state cannot change to `state`.
        """
        if state not in NEXT_STATES[self.state]:
            raise JobFinished(self.id, self.state)
        return replace(self, state=state)


@dataclass(frozen=True, slots=True)
class QueueFigures:
    """Figures of the queue of one kind of job, for monitoring."""

    waiting: int = 0
    running: int = 0
    oldest_waiting_seconds: float = 0.0
    """Time since the submission of the oldest waiting job; 0 if none waits."""
    failed_last_hour: int = 0
    running_workers: int | None = None
    """Workers that report; None if no worker has reported within a day, or all were told to stop."""
    stopped_workers: int | None = None
    """Workers that stopped reporting within a day, without having been told to stop."""


@dataclass(frozen=True, slots=True)
class JobCaller:
    """A caller of the job operations."""

    owner: str
    kinds: frozenset[JobKind]
    """The kinds of jobs that the caller may see and cancel."""
    sees_all: bool
    """Whether the caller sees the jobs of all callers, of these kinds."""

    def may_see(self, job: Job) -> bool:
        """Return whether the caller may see the job."""
        return job.kind in self.kinds and (self.sees_all or job.owner == self.owner)


EVERYBODY: Final = JobCaller("", JOB_KINDS, sees_all=True)
"""The caller where access control is off, and the service itself."""
