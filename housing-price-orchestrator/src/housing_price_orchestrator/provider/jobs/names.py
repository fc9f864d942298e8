"""What the API and the workers call queues, workflows and events: docs/jobs.md."""

from collections.abc import Mapping

from housing_price_orchestrator.shared.jobs import JobKind

WORKFLOW_OF_KIND: Mapping[JobKind, str] = {"scoring": "score", "training": "train", "lifecycle": "move"}
_VERSION_OF_KIND: Mapping[JobKind, int] = {"scoring": 2, "training": 1, "lifecycle": 1}
PROGRESS_EVENT = "progress"


def queue_name(kind: JobKind) -> str:
    """Name the queue in which jobs of a kind wait."""
    return kind


def application_name(kind: JobKind) -> str:
    """Name the application, in DBOS's sense, that owns them: one for each kind of worker."""
    return f"housing-price-{kind}"


def application_version(kind: JobKind) -> str:
    """Name the version of what is done: a job that was begun is only gone on with by the same one."""
    return f"{kind}-{_VERSION_OF_KIND[kind]}"
