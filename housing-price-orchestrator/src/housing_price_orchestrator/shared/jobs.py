"""Jobs: asynchronous work that callers submit and workers run, and the states that a job passes through."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, Literal, Self

from housing_price_orchestrator.shared.errors import JobFinished

type JobKind = Literal["scoring", "training", "lifecycle"]
"""The kind of work: price a file, train a model, or change the role of a version."""

type MoveAction = Literal["promote", "rollback", "canary", "shadow", "abort", "archive"]
"""Changes of the role of a model version."""

type JobState = Literal["queued", "running", "succeeded", "failed", "cancelled"]

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
    """What no other unfinished job of this kind may claim; None claims nothing."""


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
class JobCaller:
    """A caller of the job operations."""

    owner: str
    sees_all: bool

    def may_see(self, job: Job) -> bool:
        """Return whether the job belongs to the caller, or the caller may see all jobs."""
        return self.sees_all or job.owner == self.owner
