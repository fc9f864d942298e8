"""Runs the worker: takes training jobs from their queue until a signal ends it."""

import fcntl
import os
import re
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Event
from types import FrameType
from typing import Any, Final

from dbos import DBOS, DBOSConfig
from dbos._error import DBOSException
from dbos._serialization import DBOSPortableJSON
from sqlalchemy.engine import Engine
from sqlalchemy.exc import SQLAlchemyError

from housing_price_model.drift.check import check
from housing_price_model.drift.profiles import Profiles
from housing_price_model.errors import JobsError
from housing_price_model.prediction_log import Window, opened
from housing_price_model.worker.workflow import Training

QUEUE: Final = "training"
WORKFLOW: Final = "train"
APPLICATION: Final = "housing-price-training"
VERSION: Final = "training-1"
"""Of the steps. Only the same version goes on with a job that was begun: change it with the order of the steps."""

_NAME: Final = re.compile("[0-9A-Za-z][0-9A-Za-z._-]{0,99}")
_POLL_SECONDS: Final = 1.0
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


def run(engine: Engine, name: str, training: Training, retraining: Retraining | None = None) -> None:
    """Do jobs until SIGTERM or SIGINT; a job that is under way then goes on at the next start.

    Args:
        engine: The database of the jobs.
        name: This worker's name, the same at each start: it takes up again what it left.
        training: What does the jobs.
        retraining: When to train unasked.

    Raises:
        JobsError: another worker of this name runs here, or the database cannot be used.
    """
    stop = Event()

    def end(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    with _only_one(training, name):
        config: DBOSConfig = {
            "name": APPLICATION,
            "application_version": VERSION,
            "executor_id": name,
            "system_database_engine": engine,
            # JSON and no pickle: what stands in the database is data, whoever wrote it.
            "serializer": DBOSPortableJSON,
            "log_level": "WARNING",
            "enable_otlp": False,
        }
        try:
            DBOS(config=config)
            retrain = _declare(training, retraining)
            DBOS.listen_queues([QUEUE])
            DBOS.launch()
            DBOS.register_queue(QUEUE, worker_concurrency=1, polling_interval_sec=_POLL_SECONDS)
            _plan(retraining, retrain)
        except SQLAlchemyError as exc:
            reason = str(getattr(exc, "orig", None) or exc).splitlines()[0][:300]
            raise JobsError(f"the database of the jobs cannot be used ({reason})") from exc
        print(f"Worker {name} takes jobs from the queue {QUEUE}.", flush=True)  # noqa: T201 - a line for who waits for it
        stop.wait()
        # A step that is under way is not waited for: its job goes on with it at the next start.
        os._exit(0)


def _declare(training: Training, retraining: Retraining | None) -> Callable[[datetime, Any], None]:
    """Make the workflows known by the names that others use; returns the one that a schedule starts."""

    def train(asked: Any) -> dict[str, Any]:
        return training.train(_job_id(), asked)

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


def _job_id() -> str:
    job_id = DBOS.workflow_id
    if job_id is None:
        raise RuntimeError("a training job was called outside of a workflow")
    return job_id


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


def _checked_name(name: str) -> str:
    """Check a worker's name, which becomes that of a file."""
    if not _NAME.fullmatch(name):
        raise JobsError(f"--name {name!r}: should be of letters, digits, dots, underscores and dashes")
    return name


@contextmanager
def _only_one(training: Training, name: str) -> Iterator[None]:
    """Keep a second worker of the same name from taking up what the first is doing."""
    try:
        training.runs.mkdir(parents=True, exist_ok=True)
        file = (training.runs / f".{_checked_name(name)}.lock").open("w")
    except OSError as exc:
        raise JobsError(f"{training.runs}: cannot be used as the folder of runs ({exc.strerror})") from exc
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            raise JobsError(f"{name}: another worker of this name runs on {training.runs}; give --name") from exc
        yield
