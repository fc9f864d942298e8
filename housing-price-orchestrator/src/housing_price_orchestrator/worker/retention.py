"""Removes leftover files of finished jobs and, after the retention period, the jobs themselves."""

import shutil
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

import structlog
from dbos import DBOS, WorkflowStatus

from housing_price_orchestrator.provider.jobs.files import FolderJobFiles, is_job_id
from housing_price_platform.jobs.maintenance import Task
from housing_price_platform.jobs.retention import (
    BATCH_SIZE,
    FINISHED,
    INTERVAL_SECONDS,
    UNFINISHED,
    delete_finished_jobs,
)


class JobRetention:
    """Cleans up the jobs folder and the job records; requires a launched DBOS. Safe to run in several workers."""

    def __init__(self, files: FolderJobFiles, *, workflow: str, application: str) -> None:
        """Manage the jobs that run `workflow` and belong to `application`."""
        self._files = files
        self._workflow = workflow
        self._application = application

    def tasks(self, retention: timedelta | None) -> Sequence[Task]:
        """Return the tasks to repeat; finished jobs are kept for `retention`, or for ever if it is None."""
        leftovers = Task(self.remove_leftovers)
        if retention is None:
            return [leftovers]

        def delete_old_jobs() -> None:
            self.delete_finished_before(datetime.now(UTC) - retention)

        return [leftovers, Task(delete_old_jobs, INTERVAL_SECONDS)]

    def remove_leftovers(self) -> None:
        """Remove work folders and uploaded files of jobs that have finished or no longer exist."""
        folders = {path.name: path for path in islice(self._files.work_paths(), BATCH_SIZE)}
        if not folders:
            return
        jobs = DBOS.list_workflows(workflow_ids=list(folders), load_input=True, load_output=False)
        unfinished = {job.workflow_id for job in jobs if job.status not in FINISHED}
        for name in folders.keys() - unfinished:
            shutil.rmtree(folders[name], ignore_errors=True)
        for job in jobs:
            if job.workflow_id not in unfinished:
                self._remove_input(job)

    def delete_finished_before(self, before: datetime) -> int:
        """Delete jobs finished before a time, their files first; returns how many."""
        deleted = delete_finished_jobs(
            before,
            application=self._application,
            workflows=[self._workflow],
            remove_files=self._remove_files,
            load_input=True,
        )
        if deleted:
            structlog.get_logger().info("old jobs deleted", jobs=deleted, ended_before=before.isoformat())
        self._remove_orphaned_uploads(before)
        return deleted

    def _remove_files(self, job: WorkflowStatus) -> None:
        self._remove_input(job)
        if is_job_id(job.workflow_id):
            self._files.remove_results(job.workflow_id)

    def _remove_input(self, job: WorkflowStatus) -> None:
        name = input_of(job)
        if name is not None:
            self._files.incoming_path(name).unlink(missing_ok=True)

    def _remove_orphaned_uploads(self, before: datetime) -> None:
        """Remove uploaded files without a job: the API ended between receiving the file and submitting the job."""
        old = [path for path in self._files.incoming_paths() if _changed_before(path, before)]
        if old:
            in_use = set(self._inputs_of_unfinished_jobs())
            for path in old:
                if path.name not in in_use:
                    path.unlink(missing_ok=True)

    def _inputs_of_unfinished_jobs(self) -> Iterator[str]:
        offset = 0
        while True:
            page = DBOS.list_workflows(
                status=list(UNFINISHED), name=self._workflow, limit=BATCH_SIZE, offset=offset, load_output=False
            )
            yield from (name for job in page if (name := input_of(job)) is not None)
            if len(page) < BATCH_SIZE:
                return
            offset += BATCH_SIZE


def input_of(job: WorkflowStatus) -> str | None:
    """Return the name of the uploaded file of a job, or None if it has none or its record is malformed."""
    positional = job.input["args"] if isinstance(job.input, dict) else ()
    arguments = positional[0] if positional and isinstance(positional[0], dict) else {}
    name = arguments.get("input")
    return name if isinstance(name, str) and "output" not in arguments else None


def _changed_before(path: Path, when: datetime) -> bool:
    try:
        return path.lstat().st_mtime < when.timestamp()
    except FileNotFoundError:
        return False
