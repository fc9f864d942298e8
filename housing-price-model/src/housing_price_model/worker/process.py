"""What the workers have in common: one of each name, one application of DBOS, one queue, until a signal ends it."""

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
from housing_price_model.worker.worker_lock import only_one, take_over

_POLL_SECONDS: Final = 1.0


@dataclass(frozen=True)
class Queue:
    """A queue and whose it is; see `docs/jobs.md`.

    Attributes:
        name: Of the queue.
        application: DBOS's name for those that do its jobs.
        version: Of the steps. Only the same version goes on with a job that was begun: change it with their order.
        poll_seconds: How often is looked for a job.
        total: How many jobs are done at a time by all workers together; None for one by each worker.
    """

    name: str
    application: str
    version: str
    poll_seconds: float = _POLL_SECONDS
    total: int | None = None


def work(engine: Engine, name: str, folder: Path, queue: Queue, declare: Callable[[], Callable[[], None]]) -> None:
    """Do jobs until SIGTERM or SIGINT; a job that is under way then goes on at the next start.

    Args:
        engine: The database of the jobs.
        name: This worker's name, the same at each start: it takes up again what it left.
        folder: Where it works; no second worker of this name may run on it.
        queue: What it takes jobs from.
        declare: Makes the workflows known, before any is begun; returns what is to be done once the database is open.

    Raises:
        JobsError: another worker of this name runs here, or the database cannot be used.
    """
    stop = Event()

    def end(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    read_json_only()
    with only_one(folder, name):
        config: DBOSConfig = {
            "name": queue.application,
            "application_version": queue.version,
            "executor_id": name,
            "system_database_engine": engine,
            # JSON and no pickle: what stands in the database is data, whoever wrote it.
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
            take_over(folder, name, queue.application)
        except SQLAlchemyError as exc:
            reason = str(getattr(exc, "orig", None) or exc).splitlines()[0][:300]
            raise JobsError(f"the database of the jobs cannot be used ({reason})") from exc
        print(f"Worker {name} takes jobs from the queue {queue.name}.", flush=True)  # noqa: T201 - for who waits for it
        stop.wait()
        # A step that is under way is not waited for: its job goes on with it at the next start.
        os._exit(0)


def job_id() -> str:
    """Give the id of the job that is being done."""
    found = DBOS.workflow_id
    if found is None:
        raise RuntimeError("a job was called outside of a workflow")
    return found
