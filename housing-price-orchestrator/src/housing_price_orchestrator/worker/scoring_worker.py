"""Runs the jobs of the queue `scoring`, each step checkpointed by DBOS."""

import threading
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import structlog
from dbos import DBOS
from dbos._error import DBOSException
from dbos._serialization import DBOSPortableJSON, PortableWorkflowError
from sqlalchemy.engine import URL
from sqlalchemy.exc import SQLAlchemyError

from housing_price_orchestrator.provider.jobs.database import job_engine
from housing_price_orchestrator.provider.jobs.files import FolderJobFiles
from housing_price_orchestrator.provider.jobs.names import (
    PROGRESS_EVENT,
    WORKFLOW_OF_KIND,
    application_name,
    application_version,
    queue_name,
)
from housing_price_orchestrator.provider.jobs.refuse_pickle import read_json_only
from housing_price_orchestrator.shared.errors import HousingPriceError
from housing_price_orchestrator.shared.jobs import JobKind
from housing_price_orchestrator.shared.locations import REFUSED_SUFFIX
from housing_price_orchestrator.worker.recover_jobs import HandingOver
from housing_price_orchestrator.worker.retention import Keeping
from housing_price_orchestrator.worker.score_file import START, FileScoring
from housing_price_orchestrator.worker.stores.transfer import Transfer
from housing_price_orchestrator.worker.worker_lock import WorkerNames

POLL_SECONDS = 0.5
"""How long a job may wait in the queue until an idle worker sees it."""
LOOK_SECONDS = 2.0
"""How often it is looked after what workers left behind."""

_KIND: JobKind = "scoring"


class ScoringWorker:
    """Takes jobs until its process ends.

    It may be ended at any time, also with -9: another worker, or one of the same name, goes on where it was.
    """

    def __init__(
        self,
        scoring: FileScoring,
        transfer: Transfer,
        *,
        url: URL,
        name: str,
        names: WorkerNames,
        files: FolderJobFiles,
        retention: timedelta | None,
        max_jobs: int,
        wait_seconds: float,
        failure_of: Callable[[HousingPriceError], tuple[str, str]],
    ) -> None:
        """Do `max_jobs` jobs at a time; `failure_of` gives the code and the text of an error.

        Jobs that have ended are deleted after `retention`, or never.
        """
        self._scoring = scoring
        self._transfer = transfer
        self._url = url
        self._name = name
        self._names = names
        self._files = files
        self._retention = retention
        self._max_jobs = max_jobs
        self._wait_seconds = wait_seconds
        self._failure_of = failure_of
        self._log = structlog.get_logger()

    def start(self) -> None:
        """Begin, in threads of its own; jobs that workers have left that do not run any more are gone on with."""
        read_json_only()
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
        threading.Thread(target=self._look_after, name="looking-after", daemon=True).start()

    def _look_after(self) -> None:
        """Look after what workers left behind, until the process ends."""
        workflow = WORKFLOW_OF_KIND[_KIND]
        handing_over = HandingOver(self._names, own_name=self._name, workflow=workflow)
        keeping = Keeping(self._files, workflow=workflow, retention=self._retention)
        pause = threading.Event()
        while not pause.wait(LOOK_SECONDS):
            for what in (handing_over, keeping):
                try:
                    what.look()
                except (SQLAlchemyError, DBOSException, OSError) as error:
                    # It may pass; what is to be done waits.
                    self._log.exception("what workers left behind was not looked after", exc_info=error)

    def _workflow(self) -> Callable[[dict[str, Any]], dict[str, Any]]:
        def score(arguments: dict[str, Any]) -> dict[str, Any]:
            job_id = str(DBOS.workflow_id)
            self._log.info("job taken", job_id=job_id, worker=self._name)
            try:
                return self._score(job_id, arguments)
            except Exception:
                # It stays failed.
                self._scoring.tidy(job_id, arguments)
                raise

        return score

    def _score(self, job_id: str, arguments: dict[str, Any]) -> dict[str, Any]:
        scoring, step = self._scoring, self._step
        in_stores = "output" in arguments
        if in_stores:
            _, result = step("locate", self._transfer.formats_of, arguments)
            source = scoring.made(job_id, step("fetch", self._transfer.fetch, job_id, arguments))
        else:
            source, result = scoring.source_of(arguments), arguments["format"]
        if source.format == "parquet":
            source = scoring.made(job_id, step("convert", scoring.convert, job_id, source))
        total = step("count", scoring.count, source)
        at: Mapping[str, Any] = START
        parts: list[str] = []
        while True:
            DBOS.set_event(PROGRESS_EVENT, {"rowsDone": at["rows"], "rowsTotal": total})
            if parts and at["rows"] >= total:
                break
            at = step("price", scoring.step, job_id, source, result, at)
            parts.append(at["part"])
        step("join", scoring.join, job_id, result, parts)
        report = {"rowsTotal": total, "rowsPriced": total - at["refused"], "rowsRefused": at["refused"]}
        if in_stores:
            step("deliver", self._transfer.deliver, job_id, arguments)
            report |= {"output": arguments["output"], "refused": arguments["output"] + REFUSED_SUFFIX}
        step("tidy", scoring.tidy, job_id, arguments)
        self._log.info("job done", job_id=job_id, rows=total, refused=at["refused"])
        return report

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
