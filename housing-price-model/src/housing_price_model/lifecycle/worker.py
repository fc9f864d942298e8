"""Runs the worker that moves versions: takes jobs from the queue `lifecycle` until a signal ends it."""

from collections.abc import Callable
from typing import Any, Final

from dbos import DBOS
from sqlalchemy.engine import Engine

from housing_price_model.lifecycle.workflow import Lifecycle
from housing_price_model.worker.process import Queue, job_id, work

# One move at a time, whoever makes it: the next is judged by what the one before it came to.
QUEUE: Final = Queue("lifecycle", "housing-price-lifecycle", "lifecycle-1", poll_seconds=0.5, total=1)
WORKFLOW: Final = "move"


def run(engine: Engine, name: str, lifecycle: Lifecycle) -> None:
    """Move versions until SIGTERM or SIGINT; a move that is under way then goes on at the next start.

    Raises:
        JobsError: another worker of this name runs here, or the database cannot be used.
        ServingFolderError: the serving folder cannot be made.
    """

    def move(asked: Any) -> dict[str, Any]:
        return lifecycle.move(job_id(), asked)

    def declare() -> Callable[[], None]:
        DBOS.workflow(name=WORKFLOW)(move)
        return lambda: None

    serving = lifecycle.moving.serving
    serving.prepare()
    work(engine, name, serving.folder, QUEUE, declare)
