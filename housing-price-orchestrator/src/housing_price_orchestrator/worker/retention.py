"""Removes what nobody needs any more: what jobs left half made when they ended, and, after a while, jobs themselves."""

import shutil
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

import structlog
from dbos import DBOS, WorkflowStatus

from housing_price_orchestrator.provider.jobs.files import FolderJobFiles, is_job_id

BATCH = 100
"""So many jobs are asked about, and deleted, at a time."""
MAX_BATCHES = 20
"""So many batches are deleted in one go; the rest waits for the next one."""
FORGET_SECONDS = 60.0
"""How often old jobs are looked for."""

_FINISHED = ("SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED")
_WAITING = ("DELAYED", "ENQUEUED", "PENDING")


class Keeping:
    """Tidies up the folder of the jobs and their records; DBOS has to be launched. Several workers may do so."""

    def __init__(self, files: FolderJobFiles, *, workflow: str, retention: timedelta | None) -> None:
        """Look after the jobs that run `workflow`; keep those that have ended for `retention`, or for good."""
        self._files = files
        self._workflow = workflow
        self._retention = retention
        self._forgot_at: float | None = None

    def look(self) -> None:
        """Do what there is to do now."""
        self.sweep()
        now = time.monotonic()
        if self._retention is not None and (self._forgot_at is None or now - self._forgot_at >= FORGET_SECONDS):
            self._forgot_at = now
            self.forget(datetime.now(UTC) - self._retention)

    def sweep(self) -> None:
        """Remove what jobs were making that have ended or are not there any more, however they came to their end."""
        folders = {path.name: path for path in islice(self._files.work_paths(), BATCH)}
        if not folders:
            return
        known = DBOS.list_workflows(workflow_ids=list(folders), load_input=True, load_output=False)
        going_on = {one.workflow_id for one in known if one.status not in _FINISHED}
        for name in folders.keys() - going_on:
            shutil.rmtree(folders[name], ignore_errors=True)
        for one in known:
            if one.workflow_id not in going_on:
                self._remove_input(one)

    def forget(self, before: datetime) -> int:
        """Delete jobs that had ended `before`, first their files and then what is known of them; gives how many."""
        deleted = 0
        for _ in range(MAX_BATCHES):
            old = DBOS.list_workflows(
                status=list(_FINISHED),
                name=self._workflow,
                completed_before=before.isoformat(),
                limit=BATCH,
                load_output=False,
            )
            for one in old:
                self._remove_input(one)
                if is_job_id(one.workflow_id):
                    self._files.remove_results(one.workflow_id)
            if old:
                DBOS.delete_workflows([one.workflow_id for one in old])
            deleted += len(old)
            if len(old) < BATCH:
                break
        if deleted:
            structlog.get_logger().info("old jobs deleted", jobs=deleted, ended_before=before.isoformat())
        self._remove_strays(before)
        return deleted

    def _remove_input(self, job: WorkflowStatus) -> None:
        name = input_of(job)
        if name is not None:
            self._files.incoming_path(name).unlink(missing_ok=True)

    def _remove_strays(self, before: datetime) -> None:
        """Remove files for which no job was submitted, because the API ended in between."""
        old = [path for path in self._files.incoming_paths() if _changed_before(path, before)]
        if old:
            waiting = set(self._waiting_inputs())
            for path in old:
                if path.name not in waiting:
                    path.unlink(missing_ok=True)

    def _waiting_inputs(self) -> Iterator[str]:
        offset = 0
        while True:
            page = DBOS.list_workflows(
                status=list(_WAITING), name=self._workflow, limit=BATCH, offset=offset, load_output=False
            )
            yield from (name for one in page if (name := input_of(one)) is not None)
            if len(page) < BATCH:
                return
            offset += BATCH


def input_of(job: WorkflowStatus) -> str | None:
    """Name the file that came with a job; None where none did, or the record was written by a stranger."""
    given = job.input["args"] if isinstance(job.input, dict) else ()
    arguments = given[0] if given and isinstance(given[0], dict) else {}
    name = arguments.get("input")
    return name if isinstance(name, str) and "output" not in arguments else None


def _changed_before(path: Path, when: datetime) -> bool:
    try:
        return path.lstat().st_mtime < when.timestamp()
    except FileNotFoundError:
        return False
