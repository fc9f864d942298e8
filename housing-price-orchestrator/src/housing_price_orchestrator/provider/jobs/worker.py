"""Runs the jobs of the queue `scoring`, each step checkpointed by DBOS."""

import fcntl
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any

import structlog
from dbos import DBOS
from dbos._serialization import DBOSPortableJSON, PortableWorkflowError
from sqlalchemy.engine import URL

from housing_price_orchestrator.provider.jobs.database import job_engine
from housing_price_orchestrator.provider.jobs.names import (
    PROGRESS_EVENT,
    WORKFLOW_OF_KIND,
    application_name,
    application_version,
    queue_name,
)
from housing_price_orchestrator.provider.jobs.scoring import START, FileScoring
from housing_price_orchestrator.shared.errors import HousingPriceError
from housing_price_orchestrator.shared.jobs import JobKind

POLL_SECONDS = 0.5
"""How long a job may wait in the queue until an idle worker sees it."""

_KIND: JobKind = "scoring"


class NameTaken(Exception):
    """A worker of that name is running."""


class ScoringWorker:
    """Takes jobs until its process ends.

    It may be ended at any time, also with -9: a worker of the same name goes on where it was.
    """

    def __init__(
        self,
        scoring: FileScoring,
        *,
        url: URL,
        name: str,
        max_jobs: int,
        wait_seconds: float,
        failure_of: Callable[[HousingPriceError], tuple[str, str]],
    ) -> None:
        """Do `max_jobs` jobs at a time with `scoring`; `failure_of` gives the code and the text of an error."""
        self._scoring = scoring
        self._url = url
        self._name = name
        self._max_jobs = max_jobs
        self._wait_seconds = wait_seconds
        self._failure_of = failure_of
        self._log = structlog.get_logger()

    def start(self) -> None:
        """Begin, in threads of its own; jobs that a worker of this name has left are gone on with first."""
        engine = job_engine(self._url, connections=4 + 2 * self._max_jobs, wait_seconds=self._wait_seconds)
        DBOS(
            config={
                "name": application_name(_KIND),
                "system_database_engine": engine,
                "serializer": DBOSPortableJSON,
                "executor_id": self._name,
                "application_version": application_version(_KIND),
                "log_level": "WARNING",
                "enable_otlp": False,
            }
        )
        DBOS.workflow(name=WORKFLOW_OF_KIND[_KIND])(self._workflow())
        DBOS.listen_queues([queue_name(_KIND)])
        DBOS.launch()
        DBOS.register_queue(queue_name(_KIND), worker_concurrency=self._max_jobs, polling_interval_sec=POLL_SECONDS)

    def _workflow(self) -> Callable[[dict[str, Any]], dict[str, Any]]:
        scoring, step = self._scoring, self._step

        def score(arguments: dict[str, Any]) -> dict[str, Any]:
            job_id = str(DBOS.workflow_id)
            self._log.info("job taken", job_id=job_id, worker=self._name)
            total = step("count", scoring.count, arguments)
            at: Mapping[str, int] = START
            while True:
                DBOS.set_event(PROGRESS_EVENT, {"rowsDone": at["rows"], "rowsTotal": total})
                if at is not START and at["rows"] >= total:
                    break
                at = step("price", scoring.step, job_id, arguments, at)
            step("tidy", scoring.tidy, arguments)
            self._log.info("job done", job_id=job_id, rows=total, refused=at["refused"])
            return {"rowsTotal": total, "rowsPriced": total - at["refused"], "rowsRefused": at["refused"]}

        return score

    def _step(self, name: str, work: Callable[..., Any], *arguments: Any) -> Any:
        def run() -> Any:
            try:
                return work(*arguments)
            except HousingPriceError as error:
                code, text = self._failure_of(error)
                self._log.warning("job failed", job_id=DBOS.workflow_id, error=f"{type(error).__name__}: {error}")
                raise PortableWorkflowError(text, type(error).__name__, code) from error
            except Exception as error:
                self._log.exception("job failed", job_id=DBOS.workflow_id, exc_info=error)
                raise

        return DBOS.run_step({"name": name}, run)


def hold_name(folder: Path, name: str) -> IO[str]:
    """Make sure that no other worker of this name runs: both would write the same files.

    The system lets go of the name when this process ends, however it ends.

    Raises:
        NameTaken: there is one.
    """
    path = folder / "workers" / f"{name}.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    file = path.open("a+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        file.close()
        raise NameTaken(f"a worker named {name} runs already: choose another name (--name)") from error
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return file
