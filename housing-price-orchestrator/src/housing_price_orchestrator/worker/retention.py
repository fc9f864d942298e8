"""Removes leftover files of finished jobs and, after the retention period, the jobs themselves."""

import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Final

import structlog
from dbos import DBOS, WorkflowStatus

from housing_price_orchestrator.provider.jobs.files import FolderJobFiles, is_being_received, is_job_id
from housing_price_platform.jobs.maintenance import Task
from housing_price_platform.jobs.retention import (
    BATCH_SIZE,
    FINISHED,
    INTERVAL_SECONDS,
    UNFINISHED,
    delete_finished_jobs,
)

ORPHAN_SECONDS: Final = 24 * 3600.0
"""Time that an uploaded file without a job is kept. An upload takes an hour at most (`JOBS__MAX_FILE_SECONDS`)."""


class JobRetention:
    """Cleans up the jobs folder and the job records; requires a launched DBOS. Safe to run in several workers."""

    def __init__(
        self,
        files: FolderJobFiles,
        *,
        workflow: str,
        application: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Manage the jobs that run `workflow` and belong to `application`.

        Args:
            files: The files of the jobs.
            workflow: Name of the workflow.
            application: DBOS application name of the jobs.
            clock: Monotonic clock.
        """
        self._files = files
        self._clock = clock
        self._seen: dict[Path, tuple[tuple[int, int], float]] = {}
        self._workflow = workflow
        self._application = application

    def tasks(self, retention: timedelta | None) -> Sequence[Task]:
        """Return the tasks to repeat; finished jobs are kept for `retention`, or for ever if it is None."""
        orphan_seconds = ORPHAN_SECONDS
        if retention is not None:
            orphan_seconds = min(orphan_seconds, retention.total_seconds())
        tasks = [Task(self.remove_leftovers), Task(lambda: self.remove_orphaned_uploads(orphan_seconds))]
        if retention is None:
            return tasks

        def delete_old_jobs() -> None:
            self.delete_finished_before(datetime.now(UTC) - retention)

        return [*tasks, Task(delete_old_jobs, INTERVAL_SECONDS)]

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
        return deleted

    def _remove_files(self, job: WorkflowStatus) -> None:
        self._remove_input(job)
        if is_job_id(job.workflow_id):
            self._files.remove_results(job.workflow_id)

    def _remove_input(self, job: WorkflowStatus) -> None:
        name = input_of(job)
        if name is not None:
            self._files.incoming_path(name).unlink(missing_ok=True)

    def remove_orphaned_uploads(self, orphan_seconds: float) -> None:
        """Remove uploaded files without a job: the API ended before it submitted one.

        A file is removed when this worker has seen it without a job, and unchanged, for `orphan_seconds`. A monotonic
        clock measures them: a wrong system time must not delete files. Uploads in progress are locked and stay.
        """
        now = self._clock()
        found = {path: fingerprint for path in self._files.incoming_paths() if (fingerprint := _fingerprint(path))}
        self._seen = {
            path: (
                fingerprint,
                self._seen[path][1] if path in self._seen and self._seen[path][0] == fingerprint else now,
            )
            for path, fingerprint in found.items()
        }
        old = [path for path, (_, since) in self._seen.items() if now - since >= orphan_seconds]
        if old:
            in_use = set(self._inputs_of_unfinished_jobs())
            for path in old:
                if path.name not in in_use and not is_being_received(path):
                    path.unlink(missing_ok=True)
                    structlog.get_logger().info("upload without a job deleted", file=path.name)

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


def _fingerprint(path: Path) -> tuple[int, int] | None:
    try:
        status = path.lstat()
    except FileNotFoundError:
        return None
    return status.st_mtime_ns, status.st_size
