"""The worker of the queue `training`: trains candidates until SIGTERM or SIGINT, and by schedule if configured.

A worker waits most of the time. It imports scikit-learn and MLflow, which take 200 MB, when the first job begins.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from dbos import DBOS
from dbos import error as dbos_error
from sqlalchemy.engine import Engine

from housing_price_model.errors import JobsError
from housing_price_model.worker.process import job_id, work
from housing_price_model.worker.retention import retention_task
from housing_price_platform.jobs.failure import failing_publicly
from housing_price_platform.jobs.launch import WorkerQueue
from housing_price_platform.orders.training import TrainingSource

if TYPE_CHECKING:
    from housing_price_model.worker.workflow import Training

QUEUE: Final = "training"
WORKFLOW: Final = "train"
APPLICATION: Final = "housing-price-training"
VERSION: Final = "training-1"

_SCHEDULE: Final = "retraining"


@dataclass(frozen=True)
class Retraining:
    """Scheduled training."""

    cron: str
    """Schedule in UTC with five fields; `0 3 * * 1` is Mondays at 03:00."""
    source: TrainingSource
    """The training data; see `docs/jobs.md`."""
    drift_over: timedelta | None
    """Train only if this latest period of the prediction log raises the drift alarm; None always trains."""


def run(
    engine: Engine,
    name: str,
    runs: Path,
    load_training: "Callable[[], Training]",
    *,
    retraining: Retraining | None = None,
    retention: timedelta | None = None,
) -> None:
    """Run jobs until SIGTERM or SIGINT; an unfinished job resumes at the next start.

    Args:
        engine: The jobs database.
        name: This worker's name; keep it the same at each start, so that the worker resumes its own jobs.
        runs: The folder with one run folder per job.
        load_training: Imports and returns what runs a job in `runs`.
        retraining: The schedule for training; None for no schedule.
        retention: Time that jobs are kept after their end; None keeps them for ever.

    Raises:
        JobsError: a worker of this name is already running, or the database cannot be used.
    """

    def declare() -> Callable[[], None]:
        workflow = _declare(load_training, retraining)
        return lambda: _plan(retraining, workflow)

    tasks = [] if retention is None else [retention_task(retention, runs, APPLICATION, (WORKFLOW, _SCHEDULE))]
    work(engine, name, runs, WorkerQueue(QUEUE, APPLICATION, VERSION), declare, tasks=tasks)


def _declare(load_training: "Callable[[], Training]", retraining: Retraining | None) -> Callable[[datetime, Any], None]:
    """Register the workflows under their public names; returns the one that the schedule starts."""

    def train(argument: Any) -> dict[str, Any]:
        return load_training().train(job_id(), argument)

    workflow = DBOS.workflow(name=WORKFLOW)(failing_publicly(train))

    def retrain(_planned: datetime, context: dict[str, Any]) -> None:
        if retraining is None or context != {"source": retraining.source}:
            return
        if retraining.drift_over is not None and not DBOS.run_step(
            {"name": "drift"}, _is_drifting, load_training(), retraining.drift_over
        ):
            return
        DBOS.enqueue_workflow(QUEUE, workflow, {"source": retraining.source})

    return DBOS.workflow(name=_SCHEDULE)(retrain)


def _is_drifting(training: "Training", over: timedelta) -> bool:
    from housing_price_model.drift.check import check  # noqa: PLC0415  # slow import
    from housing_price_model.drift.profiles import Profiles  # noqa: PLC0415  # slow import
    from housing_price_model.prediction_log.reader import open_log  # noqa: PLC0415  # slow import
    from housing_price_model.prediction_log.rows import Window  # noqa: PLC0415  # slow import

    if training.connections.log_url is None:
        raise JobsError("retraining on drift needs a prediction log: set --log")
    now = datetime.now(UTC).replace(tzinfo=None)
    with open_log(training.connections.log_url) as log:
        profiles = Profiles((), training.connections.tracking_uri)
        return check(log, Window(now - over, now), profiles, now).is_alarm


def _plan(retraining: Retraining | None, workflow: Callable[[datetime, Any], None]) -> None:
    """Replace the stored schedule with the configured one; delete it if none is configured."""
    if retraining is None:
        DBOS.delete_schedule(_SCHEDULE)
        return
    try:
        DBOS.apply_schedules(
            [
                {
                    "schedule_name": _SCHEDULE,
                    "workflow_fn": workflow,
                    "schedule": retraining.cron,
                    "context": {"source": retraining.source},
                }
            ]
        )
    except dbos_error.DBOSException as error:
        raise JobsError(
            f"--retrain: {retraining.cron!r} is not a cron expression with five fields like `0 3 * * 1` ({error})"
        ) from error
