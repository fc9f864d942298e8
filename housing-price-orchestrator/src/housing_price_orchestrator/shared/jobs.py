"""Long work that is submitted, waits, is done by a worker and is collected: what a job is, and how it may change."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal, Self, get_args

from housing_price_orchestrator.shared.errors import JobFinished

type JobKind = Literal["scoring", "training", "lifecycle"]
"""What is to be done: price a file, make a model, or move one through its life."""

JOB_KINDS: tuple[JobKind, ...] = get_args(JobKind.__value__)

type MoveAction = Literal["promote", "rollback", "canary", "shadow", "abort", "archive"]
"""What may be done with a version of the model."""

type JobState = Literal["queued", "running", "succeeded", "failed", "cancelled"]

NEXT_STATES: Mapping[JobState, frozenset[JobState]] = {
    "queued": frozenset({"running", "cancelled"}),
    # Its worker has died: another one, or the same one anew, will go on with it.
    "running": frozenset({"queued", "succeeded", "failed", "cancelled"}),
    "succeeded": frozenset(),
    "failed": frozenset(),
    "cancelled": frozenset(),
}
"""The states that may follow each."""


def is_finished(state: JobState) -> bool:
    """Tell whether nothing more will happen."""
    return not NEXT_STATES[state]


@dataclass(frozen=True, slots=True)
class JobFailure:
    """Why a job has failed."""

    code: str
    """A stable public name."""
    detail: str
    """What its caller may read about it."""


@dataclass(frozen=True, slots=True)
class JobOrder:
    """What is to be put into the queue."""

    id: str
    kind: JobKind
    owner: str
    """The id of the key that it belongs to; empty where nobody is asked who they are."""
    fingerprint: str
    """The same for the same request, and another for another one."""
    arguments: Mapping[str, Any]
    """What the worker is told: JSON."""


@dataclass(frozen=True, slots=True)
class Job:
    """What is known about a job."""

    id: str
    kind: JobKind
    owner: str
    fingerprint: str
    arguments: Mapping[str, Any]
    state: JobState
    created_at: datetime
    started_at: datetime | None = None
    """When a worker took it, for the last time."""
    finished_at: datetime | None = None
    progress: Mapping[str, Any] | None = None
    """`rowsDone` and `rowsTotal`, or `stepsDone`, `stepsTotal` and `step`; None where nothing is known."""
    failure: JobFailure | None = None
    output: Mapping[str, Any] | None = None
    """What the worker has made of it: JSON; None unless it has succeeded."""

    def moved_to(self, state: JobState, **changes: Any) -> Self:
        """Give the job in its next state.

        Raises:
            JobFinished: that state does not follow the one that it is in.
        """
        if state not in NEXT_STATES[self.state]:
            raise JobFinished(self.id, self.state)
        return replace(self, state=state, **changes)


@dataclass(frozen=True, slots=True)
class JobCaller:
    """Who asks about jobs."""

    owner: str
    sees_all: bool

    def may_see(self, job: Job) -> bool:
        """Tell whether the job is theirs, or they see those of others, too."""
        return self.sees_all or job.owner == self.owner
