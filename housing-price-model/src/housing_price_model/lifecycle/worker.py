"""The worker of the queue `lifecycle`: runs moves until SIGTERM or SIGINT."""

import threading
from collections.abc import Callable
from typing import Any, Final

import structlog
from dbos import DBOS
from sqlalchemy.engine import Engine

from housing_price_model.errors import HousingPriceModelError
from housing_price_model.lifecycle.move_rules import MoveRulesWriter
from housing_price_model.lifecycle.workflow import Lifecycle
from housing_price_model.worker.process import job_id, work
from housing_price_platform.jobs.failure import failing_publicly
from housing_price_platform.jobs.launch import WorkerQueue

# One move at a time across all workers: each move is planned from the result of the one before.
QUEUE: Final = WorkerQueue("lifecycle", "housing-price-lifecycle", "lifecycle-1", poll_seconds=0.5, max_total_jobs=1)
WORKFLOW: Final = "move"

_log: structlog.typing.FilteringBoundLogger = structlog.get_logger()


def run(engine: Engine, name: str, lifecycle: Lifecycle) -> None:
    """Run moves until SIGTERM or SIGINT; an unfinished move resumes at the next start.

    Raises:
        JobsError: a worker of this name is already running, or the database cannot be used.
        ServingFolderError: the serving folder cannot be created.
    """

    def move(argument: Any) -> dict[str, Any]:
        return lifecycle.move(job_id(), argument)

    serving = lifecycle.move_steps.serving
    rules = MoveRulesWriter(serving, lifecycle.move_steps.tracking_uri)

    def declare() -> Callable[[], None]:
        DBOS.workflow(name=WORKFLOW)(failing_publicly(move))
        # Ends with the process.
        thread = threading.Thread(target=rules.keep_fresh, args=(threading.Event(),), name="move-rules", daemon=True)
        return thread.start

    serving.prepare()
    try:
        lifecycle.move_steps.note_serving()
    except HousingPriceModelError as error:
        _log.warning("the version that serves is recorded with the first move", error=str(error))
    work(engine, name, serving.folder, QUEUE, declare)
