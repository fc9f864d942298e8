"""Worker locks, and recovery of jobs whose worker has died.

Each worker locks a file with its name in the working folder. The operating system releases the lock when the process
ends, even after a crash. Workers that share jobs share that folder, on one machine or on a file system with locks
(NFS).
"""

import fcntl
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import IO, Final

from dbos import DBOS
from dbos._error import DBOSException
from sqlalchemy.exc import SQLAlchemyError

from housing_price_model.errors import JobsError

RECOVERY_INTERVAL_SECONDS: Final = 2.0
"""Interval between checks of the workers of running jobs."""

_NAME: Final = re.compile("[0-9A-Za-z][0-9A-Za-z._-]{0,99}")

_log = logging.getLogger("housing_price_model.worker")


@contextmanager
def hold_worker_name(folder: Path, name: str) -> Iterator[None]:
    """Hold the lock of a worker's name in its working folder, so that two workers never run the same jobs.

    Raises:
        JobsError: the name is invalid or already in use, or the folder cannot be used.
    """
    if not _NAME.fullmatch(name):  # the name becomes a file name
        raise JobsError(f"--name {name!r}: use only letters, digits, dots, underscores and dashes")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _exclusive(folder):
            file = _lock_of(folder, name).open("a")
            is_locked = _try_lock(file)
    except OSError as error:
        raise JobsError(f"{folder}: cannot be used as the worker's folder ({error.strerror})") from error
    with file:
        if not is_locked:
            raise JobsError(f"{name}: another worker of this name runs on {folder}; choose another --name")
        yield


def recover_jobs(folder: Path, name: str, application: str) -> None:
    """Start a thread that puts the jobs of dead workers back into their queue; DBOS must be running.

    Args:
        folder: The working folder of the workers.
        name: This worker's own name.
        application: DBOS application name of the workers to check.
    """
    Thread(target=_recover_repeatedly, args=(folder, name, application), name="job-recovery", daemon=True).start()


def _recover_repeatedly(folder: Path, name: str, application: str) -> None:
    pause = Event()
    while not pause.wait(RECOVERY_INTERVAL_SECONDS):
        try:
            running = DBOS.list_workflows(
                status="PENDING", application_name=application, load_input=False, load_output=False
            )
            for other in sorted({one.executor_id or "" for one in running} - {name, ""}):
                _recover_jobs_of(folder, other)
        except (SQLAlchemyError, DBOSException, OSError):
            # The error may be temporary; the jobs wait for the next check.
            _log.exception("The check for dead workers failed")


def _recover_jobs_of(folder: Path, name: str) -> None:
    path = _lock_of(folder, name)
    if not _NAME.fullmatch(name) or not path.is_file():
        # No worker of this name has used this folder. It may be running with another one.
        return
    # A starting worker waits for this check, so that it does not find its own name locked.
    with _exclusive(folder), path.open("a") as file:
        if _try_lock(file):
            # DBOS has no public API to recover the jobs of chosen workers.
            for job in DBOS._recover_pending_workflows([name]):  # noqa: SLF001
                _log.warning("%s: put back into the queue because its worker %s has died", job.get_workflow_id(), name)


def _lock_of(folder: Path, name: str) -> Path:
    return folder / f".{name}.lock"


@contextmanager
def _exclusive(folder: Path) -> Iterator[None]:
    with (folder / ".names").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _try_lock(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
