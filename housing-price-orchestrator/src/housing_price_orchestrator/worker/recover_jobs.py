"""Recovers the jobs of workers that have ended."""

import structlog
from dbos import DBOS

from housing_price_orchestrator.worker.worker_lock import WorkerLocks


class JobRecovery:
    """Requeues the jobs of dead workers; requires a launched DBOS.

    If a file system loses a lock, a job may briefly run in two workers. DBOS accepts the next checkpoint of only one of
    them, and files named by no checkpoint are ignored.
    """

    def __init__(self, locks: WorkerLocks, *, own_name: str, workflow: str) -> None:
        """Recover jobs of `workflow` from all workers in `locks` except `own_name`."""
        self._locks = locks
        self._own_name = own_name
        self._workflow = workflow

    def run(self) -> int:
        """Requeue the jobs of dead workers; returns how many."""
        running = DBOS.list_workflows(status="PENDING", name=self._workflow, load_input=False, load_output=False)
        requeued = 0
        for name in sorted({job.executor_id or "" for job in running} - {self._own_name, ""}):
            with self._locks.lock_if_dead(name) as is_dead:
                if is_dead:
                    # DBOS has no public API to recover the jobs of a given worker.
                    jobs = DBOS._recover_pending_workflows([name])  # noqa: SLF001
                    requeued += len(jobs)
                    for job in jobs:
                        structlog.get_logger().warning("job requeued", job_id=job.get_workflow_id(), worker=name)
        return requeued
