"""Goes on with the jobs of workers that have ended and may never come back."""

import structlog
from dbos import DBOS

from housing_price_orchestrator.worker.worker_lock import WorkerNames


class HandingOver:
    """Puts the jobs of dead workers back into their queue; DBOS has to be launched.

    A job whose worker turns out to live all the same (a file system that lost its lock) is done by two for a moment:
    DBOS takes the next checkpoint of one of them only, and what the other has written is in files that nobody reads.
    """

    def __init__(self, names: WorkerNames, *, own_name: str, workflow: str) -> None:
        """Look after those in `names` but for `own_name`, which run `workflow`."""
        self._names = names
        self._own_name = own_name
        self._workflow = workflow

    def look(self) -> int:
        """Put back what belongs to dead workers; gives how many jobs those were."""
        running = DBOS.list_workflows(status="PENDING", name=self._workflow, load_input=False, load_output=False)
        found = 0
        for name in sorted({one.executor_id or "" for one in running} - {self._own_name, ""}):
            with self._names.held_dead(name) as is_dead:
                if is_dead:
                    # There is no public way to say which workers are dead.
                    jobs = DBOS._recover_pending_workflows([name])  # noqa: SLF001
                    found += len(jobs)
                    for job in jobs:
                        structlog.get_logger().warning("job put back", job_id=job.get_workflow_id(), worker=name)
        return found
