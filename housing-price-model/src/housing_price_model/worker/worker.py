"""Runs the worker that trains: takes jobs from the queue `training` until a signal ends it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from dbos import DBOS
from dbos._error import DBOSException
from sqlalchemy.engine import Engine

from housing_price_model.drift.check import check
from housing_price_model.drift.profiles import Profiles
from housing_price_model.errors import JobsError
from housing_price_model.prediction_log.reader import Window, opened
from housing_price_model.worker.process import Queue, job_id, work
from housing_price_model.worker.retention import keep_for
from housing_price_model.worker.workflow import Training

QUEUE: Final = "training"
WORKFLOW: Final = "train"
APPLICATION: Final = "housing-price-training"
VERSION: Final = "training-1"

_SCHEDULE: Final = "retraining"


@dataclass(frozen=True)
class Retraining:
    """Training without being asked.

    Attributes:
        cron: When, in UTC: five fields, `0 3 * * 1` is Mondays at three.
        source: What is trained on; see `docs/jobs.md`.
        drift_over: Train only if the prediction log of so long until then raises the drift alarm; None trains always.
    """

    cron: str
    source: str
    drift_over: timedelta | None


def run(
    engine: Engine,
    name: str,
    training: Training,
    retraining: Retraining | None = None,
    retention: timedelta | None = None,
) -> None:
    """Do jobs until SIGTERM or SIGINT; a job that is under way then goes on at the next start.

    Args:
        engine: The database of the jobs.
        name: This worker's name, the same at each start: it takes up again what it left.
        training: What does the jobs.
        retraining: When to train unasked.
        retention: How long jobs are kept after their end; None for good.

    Raises:
        JobsError: another worker of this name runs here, or the database cannot be used.
    """

    def declare() -> Callable[[], None]:
        workflow = _declare(training, retraining)

        def begin() -> None:
            _plan(retraining, workflow)
            if retention is not None:
                keep_for(retention, training.runs, APPLICATION)

        return begin

    work(engine, name, training.runs, Queue(QUEUE, APPLICATION, VERSION), declare)


def _declare(training: Training, retraining: Retraining | None) -> Callable[[datetime, Any], None]:
    """Make the workflows known by the names that others use; returns the one that a schedule starts."""

    def train(asked: Any) -> dict[str, Any]:
        return training.train(job_id(), asked)

    workflow = DBOS.workflow(name=WORKFLOW)(train)

    def retrain(_planned: datetime, context: dict[str, Any]) -> None:
        if retraining is None or context != {"source": retraining.source}:
            return
        if retraining.drift_over is not None and not DBOS.run_step(
            {"name": "drift"}, _is_drifting, training, retraining.drift_over
        ):
            return
        DBOS.enqueue_workflow(QUEUE, workflow, {"source": retraining.source})

    return DBOS.workflow(name=_SCHEDULE)(retrain)


def _is_drifting(training: Training, over: timedelta) -> bool:
    if training.surroundings.log_url is None:
        raise JobsError("training when there is drift needs a prediction log (--log)")
    now = datetime.now(UTC).replace(tzinfo=None)
    with opened(training.surroundings.log_url) as log:
        profiles = Profiles((), training.surroundings.tracking_uri)
        return check(log, Window(now - over, now), profiles, now).is_alarm


def _plan(retraining: Retraining | None, workflow: Callable[[datetime, Any], None]) -> None:
    """Make the schedule that is asked for the one that there is; without one there is none."""
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
    except DBOSException as exc:
        raise JobsError(f"--retrain: {retraining.cron!r} should be five fields like `0 3 * * 1` ({exc})") from exc
