"""The worker of the queue `lifecycle`: runs moves until SIGTERM or SIGINT."""

import threading
from collections.abc import Callable
from typing import Any, Final

import structlog
from dbos import DBOS
from sqlalchemy.engine import Engine

from housing_price_model.errors import HousingPriceModelError
from housing_price_model.lifecycle.move_rules import MoveRulesWriter
from housing_price_model.lifecycle.move_steps import MoveSteps
from housing_price_model.lifecycle.workflow import Lifecycle
from housing_price_model.worker.process import job_id, work
from housing_price_platform.jobs.failure import failing_publicly
from housing_price_platform.jobs.launch import WorkerQueue
from housing_price_platform.orders.moves import ServedModel

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

    all_steps = [lifecycle.move_steps.of(model) for model in ServedModel]

    def declare() -> Callable[[], None]:
        DBOS.workflow(name=WORKFLOW)(failing_publicly(move))
        # They end with the process.
        threads = [_keep_rules_fresh(steps) for steps in all_steps]

        def start() -> None:
            for thread in threads:
                thread.start()

        return start

    lifecycle.move_steps.serving.prepare()
    for steps in all_steps:
        try:
            steps.serving.prepare()
            steps.note_serving()
        except HousingPriceModelError as error:
            _log.warning(
                "version in service not recorded until the first move",
                model=steps.model.value,
                error=str(error),
            )
    work(engine, name, lifecycle.move_steps.serving.folder, QUEUE, declare)


def _keep_rules_fresh(steps: MoveSteps) -> threading.Thread:
    rules = MoveRulesWriter(steps.serving, steps.tracking_uri, steps.model)
    name = f"move-rules-{steps.model}"
    return threading.Thread(target=rules.keep_fresh, args=(threading.Event(),), name=name, daemon=True)
