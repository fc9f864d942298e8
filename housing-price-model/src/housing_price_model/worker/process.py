"""The main loop that all workers share: one process per name, one DBOS application, one queue, until a signal."""

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from types import FrameType
from typing import Final

from dbos import DBOS, DBOSConfig
from dbos._serialization import DBOSPortableJSON
from sqlalchemy.engine import Engine
from sqlalchemy.exc import SQLAlchemyError

from housing_price_model.errors import JobsError
from housing_price_model.worker.refuse_pickle import read_json_only
from housing_price_model.worker.worker_lock import hold_worker_name, recover_jobs

_POLL_SECONDS: Final = 1.0


@dataclass(frozen=True)
class Queue:
    """A queue and the DBOS application that owns it; see `docs/jobs.md`.

    Attributes:
        name: Name of the queue.
        application: DBOS application name of the workers that serve the queue.
        version: Version of the workflow's steps. Only workers of the same version resume a job: change it whenever the
            order of steps changes.
        poll_seconds: Interval between looks at the queue.
        total: Maximum number of concurrent jobs of all workers together; None for one per worker.
    """

    name: str
    application: str
    version: str
    poll_seconds: float = _POLL_SECONDS
    total: int | None = None


def work(engine: Engine, name: str, folder: Path, queue: Queue, declare: Callable[[], Callable[[], None]]) -> None:
    """Run jobs until SIGTERM or SIGINT; an unfinished job resumes at the next start.

    Args:
        engine: The jobs database.
        name: This worker's name; keep it the same at each start, so that the worker resumes its own jobs.
        folder: The working folder; only one worker of this name may use it.
        queue: The queue to take jobs from.
        declare: Registers the workflows before DBOS starts; returns a function to call once the database is open.

    Raises:
        JobsError: a worker of this name is already running, or the database cannot be used.
    """
    stop = Event()

    def end(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    read_json_only()
    with hold_worker_name(folder, name):
        config: DBOSConfig = {
            "name": queue.application,
            "application_version": queue.version,
            "executor_id": name,
            "system_database_engine": engine,
            # JSON instead of pickle: rows of the database must never run code.
            "serializer": DBOSPortableJSON,
            "log_level": "WARNING",
            "enable_otlp": False,
        }
        try:
            DBOS(config=config)
            begin = declare()
            DBOS.listen_queues([queue.name])
            DBOS.launch()
            DBOS.register_queue(
                queue.name,
                worker_concurrency=1,
                global_concurrency=queue.total,
                polling_interval_sec=queue.poll_seconds,
            )
            begin()
            recover_jobs(folder, name, queue.application)
        except SQLAlchemyError as error:
            reason = str(getattr(error, "orig", None) or error).splitlines()[0][:300]
            raise JobsError(f"the jobs database cannot be used ({reason})") from error
        # The runner and the tests wait for this line.
        print(f"Worker {name} takes jobs from the queue {queue.name}.", flush=True)  # noqa: T201
        stop.wait()
        # Do not wait for a running step: the job repeats it at the next start.
        os._exit(0)


def job_id() -> str:
    """Return the id of the running job."""
    found = DBOS.workflow_id
    if found is None:
        raise RuntimeError("job_id() was called outside a workflow")
    return found
