"""Retention: deletes finished jobs after a configured time, with the folders of their runs."""

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

INTERVAL_SECONDS: Final = 60.0
"""Interval between two deletions."""

_BATCH: Final = 100
"""Maximum number of jobs deleted at a time; the rest is deleted at the next interval."""
_FINISHED: Final = ["SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"]

_log = logging.getLogger("housing_price_model.worker")


def start_retention(retention: timedelta, runs: Path, application: str) -> None:
    """Start a thread that deletes expired jobs at regular intervals; DBOS must be running.

    Args:
        retention: How long a job is kept after its end.
        runs: The folder with one run folder per job.
        application: DBOS application name of the workers whose jobs are deleted.
    """
    Thread(target=_delete_repeatedly, args=(retention, runs, application), name="retention", daemon=True).start()


def _delete_repeatedly(retention: timedelta, runs: Path, application: str) -> None:
    pause = Event()
    while True:
        try:
            delete_ended(datetime.now(UTC) - retention, runs, application)
        except (SQLAlchemyError, DBOSException, OSError):
            # The error may be temporary; the next interval tries again.
            _log.exception("Expired jobs could not be deleted")
        pause.wait(INTERVAL_SECONDS)


def delete_ended(before: datetime, runs: Path, application: str) -> int:
    """Delete up to `_BATCH` jobs that ended before a time, their folders first; returns the number deleted."""
    expired = DBOS.list_workflows(
        status=_FINISHED,
        application_name=application,
        completed_before=before.isoformat(),
        limit=_BATCH,
        load_input=False,
        load_output=False,
    )
    for job in expired:
        # The id comes from the database: it must not lead to a path outside the folder.
        if JOB_ID.fullmatch(job.workflow_id):
            shutil.rmtree(runs / job.workflow_id, ignore_errors=True)
    if expired:
        DBOS.delete_workflows([job.workflow_id for job in expired])
        _log.warning("Deleted %d jobs that ended before %s", len(expired), before.isoformat())
    return len(expired)
