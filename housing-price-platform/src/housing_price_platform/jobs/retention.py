"""Deletes finished jobs after their retention period."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

from dbos import DBOS, WorkflowStatus

BATCH_SIZE: Final = 100
"""Jobs listed or deleted per query."""
MAX_BATCHES: Final = 20
"""Batches deleted per call; the rest is left to the next call."""
INTERVAL_SECONDS: Final = 60.0
"""Interval between searches for jobs past their retention."""

FINISHED: Final = ("SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED")
"""DBOS's statuses of jobs that run no more."""
UNFINISHED: Final = ("DELAYED", "ENQUEUED", "PENDING")
"""DBOS's statuses of jobs that wait or run."""


def delete_finished_jobs(
    before: datetime,
    *,
    application: str,
    workflows: Sequence[str],
    remove_files: Callable[[WorkflowStatus], object],
    load_input: bool = False,
) -> int:
    """Delete the jobs that finished before a time, their files first; DBOS must be running.

    Safe to run in several workers.

    Args:
        before: Jobs that finished later are kept.
        application: DBOS application name of the jobs. DBOS counts jobs without one as everybody's.
        workflows: Names of the workflows whose jobs are deleted.
        remove_files: Deletes the files of a job. Ids come from the database: they must not lead to other files.
        load_input: Whether `remove_files` needs the job's input.

    Returns:
        The number of deleted jobs.

    Raises:
        sqlalchemy.exc.SQLAlchemyError, dbos.error.DBOSException, OSError: The deletion failed; the next may succeed.
    """
    deleted = 0
    for _ in range(MAX_BATCHES):
        finished = DBOS.list_workflows(
            status=list(FINISHED),
            name=list(workflows),
            application_name=application,
            completed_before=before.isoformat(),
            limit=BATCH_SIZE,
            load_input=load_input,
            load_output=False,
        )
        for job in finished:
            remove_files(job)
        if finished:
            DBOS.delete_workflows([job.workflow_id for job in finished])
        deleted += len(finished)
        if len(finished) < BATCH_SIZE:
            break
    return deleted
