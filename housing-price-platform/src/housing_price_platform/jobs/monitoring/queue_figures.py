"""Figures of each queue: jobs that wait and run, the age of the oldest, and recent failures."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa
from dbos import DBOSClient

from housing_price_platform.jobs.retention import UNFINISHED

FAILURE_WINDOW_SECONDS: Final = 3600.0
"""Age up to which a failed job counts as recent."""

_RUNNING: Final = "PENDING"
_FAILED: Final = ("ERROR", "MAX_RECOVERY_ATTEMPTS_EXCEEDED")


@dataclass(frozen=True, slots=True)
class WorkflowFigures:
    """Figures of the jobs of one workflow."""

    waiting: int = 0
    """Jobs that wait for a worker."""
    running: int = 0
    """Jobs that a worker has taken."""
    oldest_waiting_seconds: float = 0.0
    """Time since the submission of the oldest waiting job; 0 if none waits."""
    failed_recently: int = 0
    """Jobs that failed within `FAILURE_WINDOW_SECONDS`."""


def read_queue_figures(client: DBOSClient, workflows: Collection[str], *, now: float) -> dict[str, WorkflowFigures]:
    """Read the figures of each workflow, in two queries that use indexes of DBOS. DBOSClient has no public API for it.

    Args:
        client: A client of the jobs database.
        workflows: Names of the workflows. DBOS forgets the queue of a job that ended, but not its workflow.
        now: The current time, in seconds since the epoch.

    Raises:
        sqlalchemy.exc.SQLAlchemyError, dbos.error.DBOSQueryTimeoutError: The database is unavailable.
    """
    database = client._sys_db  # noqa: SLF001
    job = database.tables.workflow_status.c
    is_ours = job.name.in_(workflows)
    unfinished = (
        sa.select(job.name, job.status, sa.func.count(), sa.func.min(job.created_at))
        .where(is_ours, job.status.in_(UNFINISHED))
        .group_by(job.name, job.status)
    )
    failed = (
        sa.select(job.name, sa.func.count())
        .where(is_ours, job.status.in_(_FAILED), job.completed_at > int((now - FAILURE_WINDOW_SECONDS) * 1000))
        .group_by(job.name)
    )
    with database._observability_query() as connection:  # noqa: SLF001
        rows = connection.execute(unfinished).all()
        failures = {str(row[0]): int(row[1]) for row in connection.execute(failed)}
    figures = {}
    for workflow in workflows:
        counts = [(status, number, oldest) for name, status, number, oldest in rows if name == workflow]
        waiting = [(number, oldest) for status, number, oldest in counts if status != _RUNNING]
        figures[workflow] = WorkflowFigures(
            waiting=sum(number for number, _ in waiting),
            running=sum(number for status, number, _ in counts if status == _RUNNING),
            oldest_waiting_seconds=max((max(now - oldest / 1000, 0.0) for _, oldest in waiting), default=0.0),
            failed_recently=failures.get(workflow, 0),
        )
    return figures
