"""Deletes jobs that ended a while ago, and the folders of their runs."""

import logging
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event, Thread
from typing import Final

from dbos import DBOS
from dbos._error import DBOSException
from sqlalchemy.exc import SQLAlchemyError

from housing_price_model.worker.workflow import JOB_ID

LOOK_SECONDS: Final = 60.0
"""How often old jobs are looked for."""

_BATCH: Final = 100
"""So many jobs are deleted in one go; the rest waits for the next one."""
_FINISHED: Final = ["SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"]

_log = logging.getLogger("housing_price_model.worker")


def keep_for(retention: timedelta, runs: Path, application: str) -> None:
    """Delete old jobs now and from now on, in a thread; DBOS has to be launched.

    Args:
        retention: How long a job is kept after its end.
        runs: Where each job has the folder of its run.
        application: DBOS's name for the workers whose jobs these are.
    """
    Thread(target=_look, args=(retention, runs, application), name="keeping", daemon=True).start()


def _look(retention: timedelta, runs: Path, application: str) -> None:
    pause = Event()
    while True:
        try:
            delete_ended(datetime.now(UTC) - retention, runs, application)
        except (SQLAlchemyError, DBOSException, OSError):
            # It may pass, and they do not run away.
            _log.exception("old jobs were not deleted")
        pause.wait(LOOK_SECONDS)


def delete_ended(before: datetime, runs: Path, application: str) -> int:
    """Delete some of the jobs that ended before then, first their folders; returns how many."""
    old = DBOS.list_workflows(
        status=_FINISHED,
        application_name=application,
        completed_before=before.isoformat(),
        limit=_BATCH,
        load_input=False,
        load_output=False,
    )
    for job in old:
        # What others wrote into the database is not to lead elsewhere.
        if JOB_ID.fullmatch(job.workflow_id):
            shutil.rmtree(runs / job.workflow_id, ignore_errors=True)
    if old:
        DBOS.delete_workflows([job.workflow_id for job in old])
        _log.warning("%d jobs that ended before %s were deleted", len(old), before.isoformat())
    return len(old)
