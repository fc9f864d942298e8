"""Retention: deletes finished jobs after a configured time, with the folders of their runs."""

import shutil
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog
from dbos import WorkflowStatus

from housing_price_model.worker.process import JOB_ID
from housing_price_platform.jobs.maintenance import Task
from housing_price_platform.jobs.retention import INTERVAL_SECONDS, delete_finished_jobs

_log: structlog.typing.FilteringBoundLogger = structlog.get_logger()


def retention_task(retention: timedelta, runs: Path, application: str, workflows: Sequence[str]) -> Task:
    """Return the maintenance task that deletes expired jobs.

    Args:
        retention: Time that a job is kept after its end.
        runs: The folder with one run folder per job.
        application: DBOS application name of the workers whose jobs are deleted.
        workflows: Names of the workflows whose jobs are deleted.
    """

    def remove_run(job: WorkflowStatus) -> None:
        # The id comes from the database: it must not lead to a path outside the folder.
        if JOB_ID.fullmatch(job.workflow_id):
            shutil.rmtree(runs / job.workflow_id, ignore_errors=True)

    def delete_expired_jobs() -> None:
        before = datetime.now(UTC) - retention
        deleted = delete_finished_jobs(before, application=application, workflows=workflows, remove_files=remove_run)
        if deleted:
            _log.info("finished jobs deleted", jobs=deleted, ended_before=before.isoformat())

    return Task(delete_expired_jobs, INTERVAL_SECONDS)
