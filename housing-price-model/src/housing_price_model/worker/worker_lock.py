"""Which workers are alive, and going on with the jobs of those that are not.

Each worker holds the lock of a file of its name in the folder that it works in, which the system lets go of when it
ends, however it ends. Workers that share jobs share that folder: on one machine, or on a file system with locks (NFS).
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

LOOK_SECONDS: Final = 2.0
"""How often the workers of running jobs are looked after."""

_NAME: Final = re.compile("[0-9A-Za-z][0-9A-Za-z._-]{0,99}")

_log = logging.getLogger("housing_price_model.worker")


@contextmanager
def only_one(folder: Path, name: str) -> Iterator[None]:
    """Hold a worker's name in the folder that it works in, so that no second one takes up what the first is doing.

    Raises:
        JobsError: it is no name, there is a worker of this name, or the folder cannot be used.
    """
    if not _NAME.fullmatch(name):  # it becomes that of a file
        raise JobsError(f"--name {name!r}: should be of letters, digits, dots, underscores and dashes")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _one_at_a_time(folder):
            file = _lock_of(folder, name).open("a")
            is_ours = _locked(file)
    except OSError as exc:
        raise JobsError(f"{folder}: cannot be used as the folder of this worker ({exc.strerror})") from exc
    with file:
        if not is_ours:
            raise JobsError(f"{name}: another worker of this name runs on {folder}; give --name")
        yield


def take_over(folder: Path, name: str, application: str) -> None:
    """Put the jobs of workers that have ended back into their queue, from now on; DBOS has to be launched.

    Args:
        folder: Where the workers work.
        name: This worker's own name.
        application: DBOS's name for them; those of other kinds have other names.
    """
    Thread(target=_look_after, args=(folder, name, application), name="looking-after", daemon=True).start()


def _look_after(folder: Path, name: str, application: str) -> None:
    pause = Event()
    while not pause.wait(LOOK_SECONDS):
        try:
            running = DBOS.list_workflows(
                status="PENDING", application_name=application, load_input=False, load_output=False
            )
            for other in sorted({one.executor_id or "" for one in running} - {name, ""}):
                _take_over_from(folder, other)
        except (SQLAlchemyError, DBOSException, OSError):
            # It may pass, and the jobs wait.
            _log.exception("dead workers were not looked for")


def _take_over_from(folder: Path, name: str) -> None:
    path = _lock_of(folder, name)
    if not _NAME.fullmatch(name) or not path.is_file():
        # Nobody of this name has worked here: it may have another folder, and live.
        return
    # Whoever starts waits for its turn, and does not find its own name taken by somebody who only looks.
    with _one_at_a_time(folder), path.open("a") as file:
        if _locked(file):
            # There is no public way to say which workers are dead.
            for job in DBOS._recover_pending_workflows([name]):  # noqa: SLF001
                _log.warning("%s: put back, for its worker %s has ended", job.get_workflow_id(), name)


def _lock_of(folder: Path, name: str) -> Path:
    return folder / f".{name}.lock"


@contextmanager
def _one_at_a_time(folder: Path) -> Iterator[None]:
    with (folder / ".names").open("a") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        yield


def _locked(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
