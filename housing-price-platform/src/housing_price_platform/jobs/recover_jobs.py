"""Requeues the jobs of workers that have ended."""

from collections.abc import Callable

from dbos import DBOS

from housing_price_platform.jobs.worker_lock import WorkerLocks


def recover_jobs(locks: WorkerLocks, *, own_name: str, application: str, report: Callable[[str, str], object]) -> None:
    """Requeue the jobs of dead workers; DBOS must be running.

    If a file system loses a lock, a job may briefly run in two workers. DBOS accepts the next checkpoint of only one of
    them.

    Args:
        locks: The locks of the workers that share the jobs.
        own_name: Name of this worker.
        application: DBOS application name of the workers.
        report: Called with the id of each requeued job and the name of its worker.

    Raises:
        sqlalchemy.exc.SQLAlchemyError, dbos.error.DBOSException, OSError: The check failed; the next may succeed.
    """
    running = DBOS.list_workflows(status="PENDING", application_name=application, load_input=False, load_output=False)
    for name in sorted({job.executor_id or "" for job in running} - {own_name, ""}):
        with locks.lock_if_dead(name) as is_dead:
            if is_dead:
                # DBOS has no public API to recover the jobs of a given worker.
                for job in DBOS._recover_pending_workflows([name]):  # noqa: SLF001
                    report(job.get_workflow_id(), name)
