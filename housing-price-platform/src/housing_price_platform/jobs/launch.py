"""Starts the jobs of one queue in a worker."""

from collections.abc import Callable
from dataclasses import dataclass

from dbos import DBOS, DBOSConfig, DBOSPortableJSONSerializer
from sqlalchemy.engine import Engine

from housing_price_platform.jobs.failure import omit_tracebacks_of_public_failures
from housing_price_platform.jobs.full_disk import repeat_on_full_disk
from housing_price_platform.jobs.refuse_pickle import refuse_pickle
from housing_price_platform.jobs.repeat_start import check_database, repeat_start
from housing_price_platform.jobs.short_retries import shorten_retries


@dataclass(frozen=True)
class WorkerQueue:
    """A queue and the DBOS application that owns it; see `docs/jobs.md`."""

    name: str
    """Name of the queue."""
    application: str
    """DBOS application name of the workers that serve the queue."""
    version: str
    """Version of the workflow's steps. Only workers of the same version resume a job: change it whenever the order of
    steps changes."""
    poll_seconds: float = 1.0
    """Interval at which an idle worker polls the queue."""
    max_jobs: int = 1
    """Maximum number of concurrent jobs of one worker."""
    max_total_jobs: int | None = None
    """Maximum number of concurrent jobs of all workers together; None for no limit."""


def launch_worker[T](
    engine: Engine,
    worker_name: str,
    queue: WorkerQueue,
    register: Callable[[], T],
    *,
    report_waiting: Callable[[Exception], object] = lambda _: None,
) -> T:
    """Start running jobs in background threads; the worker resumes the jobs that it left when it ended.

    Rows of the database are JSON: refuses rows that are marked as pickled. While the database is unavailable, jobs
    wait.

    Args:
        engine: The jobs database (`worker_engine`); missing tables are created.
        worker_name: Name of the worker, the same at each start. Its lock must be held: see `worker_lock`.
        queue: The queue to take jobs from.
        register: Registers the workflows; called before the first job runs. Its result is returned.
        report_waiting: Called if the database is locked, full or does not answer, and the start waits for it.

    Raises:
        sqlalchemy.exc.SQLAlchemyError: The database cannot be used.
    """
    refuse_pickle()
    omit_tracebacks_of_public_failures()
    shorten_retries()
    repeat_on_full_disk(engine)
    config: DBOSConfig = {
        "name": queue.application,
        "application_version": queue.version,
        "executor_id": worker_name,
        "system_database_engine": engine,
        "serializer": DBOSPortableJSONSerializer(),
        "log_level": "WARNING",
        "enable_otlp": False,
    }
    registered: list[T] = []

    def launch() -> T:
        check_database(engine)
        DBOS(config=config)
        try:
            if not registered:
                registered.append(register())
            DBOS.listen_queues([queue.name])
            DBOS.launch()
        except BaseException:
            # The workflows stay registered for the next attempt.
            DBOS.destroy()
            raise
        return registered[0]

    result = repeat_start(launch, report_waiting)
    DBOS.register_queue(
        queue.name,
        worker_concurrency=queue.max_jobs,
        global_concurrency=queue.max_total_jobs,
        polling_interval_sec=queue.poll_seconds,
    )
    return result
