"""Names of queues, workflows and events, shared by the API and the workers (docs/jobs.md)."""

from collections.abc import Mapping
from typing import Final

from housing_price_orchestrator.shared.jobs import JobKind

WORKFLOW_OF_KIND: Final[Mapping[JobKind, str]] = {"scoring": "score", "training": "train", "lifecycle": "move"}
_VERSION_OF_KIND: Final[Mapping[JobKind, int]] = {"scoring": 2, "training": 1, "lifecycle": 1}
PROGRESS_EVENT: Final = "progress"


def queue_name(kind: JobKind) -> str:
    """Return the name of the queue for a kind of job."""
    return kind


def application_name(kind: JobKind) -> str:
    """Return the DBOS application name of a kind of job; each kind has its own workers."""
    return f"housing-price-{kind}"


def application_version(kind: JobKind) -> str:
    """Return the DBOS application version: a started job is resumed only by a worker with the same version."""
    return f"{kind}-{_VERSION_OF_KIND[kind]}"
