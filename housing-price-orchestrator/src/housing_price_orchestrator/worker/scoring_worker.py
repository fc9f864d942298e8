"""Runs the jobs of the queue `scoring` as DBOS workflows with a checkpoint after each step."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial
from typing import Any, Final, NoReturn

import structlog
from dbos import DBOS
from sqlalchemy.engine import URL

from housing_price_orchestrator.provider.jobs.files import FolderJobFiles
from housing_price_orchestrator.provider.jobs.names import (
    PROGRESS_EVENT,
    WORKFLOW_OF_KIND,
    application_name,
    application_version,
    queue_name,
)
from housing_price_orchestrator.shared.errors import HousingPriceError, ModelServerError
from housing_price_orchestrator.shared.jobs import NO_ROW_PRICED, JobKind
from housing_price_orchestrator.shared.locations import REFUSED_SUFFIX
from housing_price_orchestrator.worker.retention import JobRetention
from housing_price_orchestrator.worker.score_file import START, FileScoring
from housing_price_orchestrator.worker.stores.transfer import Transfer
from housing_price_platform.database.errors import describe_database_error
from housing_price_platform.jobs.cancelled import is_current_job_cancelled
from housing_price_platform.jobs.database import worker_engine
from housing_price_platform.jobs.failure import JobFailed, failing_publicly
from housing_price_platform.jobs.launch import WorkerQueue, launch_worker
from housing_price_platform.jobs.maintenance import Task, start_maintenance
from housing_price_platform.jobs.monitoring.running_workers import WorkerReport
from housing_price_platform.jobs.recover_jobs import recover_jobs
from housing_price_platform.jobs.temporary import is_temporary, retry_while_temporary
from housing_price_platform.jobs.worker_lock import WorkerLocks

POLL_INTERVAL_SECONDS: Final = 0.5
"""Interval at which an idle worker polls the queue."""

_KIND: Final[JobKind] = "scoring"


class ScoringWorker:
    """Runs jobs until its process ends.

    The process may be killed at any time, even with SIGKILL: another worker, or one with the same name, resumes its
    jobs from their last checkpoints.
    """

    def __init__(
        self,
        scoring: FileScoring,
        transfer: Transfer,
        *,
        url: URL,
        name: str,
        locks: WorkerLocks,
        files: FolderJobFiles,
        retention: timedelta | None,
        max_jobs: int,
        wait_seconds: float,
        describe_failure: Callable[[HousingPriceError], tuple[str, str]],
    ) -> None:
        """Run up to `max_jobs` jobs at a time; `describe_failure` returns the code and the text of an error.

        Finished jobs are deleted after `retention`, or kept for ever if it is None.
        """
        self._scoring = scoring
        self._transfer = transfer
        self._url = url
        self._name = name
        self._locks = locks
        self._files = files
        self._retention = retention
        self._max_jobs = max_jobs
        self._wait_seconds = wait_seconds
        self._describe_failure = describe_failure
        self._log = structlog.get_logger()
        self._report: WorkerReport | None = None

    def start(self) -> None:
        """Start running jobs in background threads, including jobs left by workers that have ended."""
        engine = worker_engine(self._url, connections=4 + 2 * self._max_jobs, wait_seconds=self._wait_seconds)
        queue = WorkerQueue(
            queue_name(_KIND),
            application_name(_KIND),
            application_version(_KIND),
            poll_seconds=POLL_INTERVAL_SECONDS,
            max_jobs=self._max_jobs,
        )
        workflow = WORKFLOW_OF_KIND[_KIND]
        score = failing_publicly(self._workflow())
        launch_worker(
            engine,
            self._name,
            queue,
            lambda: DBOS.workflow(name=workflow)(score),
            report_waiting=lambda error: self._log.warning(
                "jobs database unavailable, waiting for it", error=describe_database_error(error)
            ),
        )
        self._report = WorkerReport(engine, queue.name, self._name)
        retention = JobRetention(self._files, workflow=workflow, application=queue.application)
        start_maintenance(
            [self._report.task, Task(self._recover_jobs), *retention.tasks(self._retention)],
            report_failure=self._log_failed_maintenance,
            report_recovery=lambda: self._log.info("job maintenance succeeds again"),
        )

    def withdraw_report(self) -> None:
        """Remove this worker's report, because it was told to stop. Takes at most a second."""
        if self._report is not None:
            self._report.withdraw()

    def _recover_jobs(self) -> None:
        recover_jobs(
            self._locks,
            own_name=self._name,
            application=application_name(_KIND),
            report=lambda job_id, worker: self._log.warning("job requeued", job_id=job_id, worker=worker),
        )

    def _log_failed_maintenance(self, error: Exception) -> None:
        self._log.exception("job maintenance failed", exc_info=error)

    def _workflow(self) -> Callable[[dict[str, Any]], dict[str, Any]]:
        def score(arguments: dict[str, Any]) -> dict[str, Any]:
            job_id = str(DBOS.workflow_id)
            self._log.info("job taken", job_id=job_id, worker=self._name)
            try:
                return self._score(job_id, arguments)
            except Exception:
                # A failed job is never resumed, so its files can go.
                self._scoring.clean_up(job_id, arguments)
                raise

        return score

    def _score(self, job_id: str, arguments: dict[str, Any]) -> dict[str, Any]:
        scoring, step = self._scoring, self._step
        uses_stores = "output" in arguments
        if uses_stores:
            _, output_format = step("locate", self._transfer.formats_of, arguments)
            source = scoring.work_file(job_id, step("fetch", self._transfer.fetch, job_id, arguments))
        else:
            source, output_format = scoring.uploaded_file(arguments), arguments["format"]
        original = source
        if source.format == "parquet":
            source = scoring.work_file(job_id, step("convert", scoring.convert, job_id, source))
        total = step("count", scoring.count, source)
        price = partial(scoring.score_step, total=total)
        checkpoint: Mapping[str, Any] = START
        parts: list[str] = []
        while True:
            DBOS.set_event(
                PROGRESS_EVENT, {"rowsDone": checkpoint["rows"], "rowsTotal": total, **_unlisted(checkpoint)}
            )
            if parts and checkpoint["rows"] >= total:
                break
            checkpoint = step("price", price, job_id, source, output_format, checkpoint, original)
            parts.append(checkpoint["part"])
        step("join", scoring.join, job_id, output_format, parts, checkpoint, original)
        refused = checkpoint["refused"]
        report = {"rowsTotal": total, "rowsPriced": total - refused, "rowsRefused": refused}
        report |= _unlisted(checkpoint)
        if unlisted := checkpoint.get("unlisted", 0):
            self._log.warning("refused rows cut", job_id=job_id, unlisted=unlisted)
        if refused == total:
            self._fail_without_prices(job_id, arguments, report)
        if uses_stores:
            step("deliver", self._transfer.deliver, job_id, arguments)
            report |= {"output": arguments["output"], "refused": arguments["output"] + REFUSED_SUFFIX}
        step("tidy", scoring.clean_up, job_id, arguments)
        self._log.info("job done", job_id=job_id, rows=total, refused=refused)
        return report

    def _fail_without_prices(self, job_id: str, arguments: dict[str, Any], report: Mapping[str, int]) -> NoReturn:
        """Fail a job that priced no row; its refused rows can still be collected."""
        if "output" in arguments:
            self._step("deliver refused rows", self._transfer.deliver_refused, job_id, arguments)
        rows = report["rowsTotal"]
        where = f" They are in {arguments['output']}{REFUSED_SUFFIX}." if "output" in arguments else ""
        message = (
            f"None of the {rows} rows was priced. The refused rows say why.{where}" if rows else "The file has no rows."
        )
        self._log.warning("job failed", job_id=job_id, error=f"no row priced: {rows} refused")
        raise JobFailed(NO_ROW_PRICED, message, {key: report[key] for key in ("rowsPriced", "rowsRefused")})

    def _step(self, name: str, work: Callable[..., Any], *arguments: Any) -> Any:
        def report(error: Exception, seconds: float) -> None:
            described = f"{type(error).__name__}: {error}"
            self._log.warning("step failed, retrying", step=name, error=described, seconds=seconds)

        def run() -> Any:
            try:
                return retry_while_temporary(
                    lambda: work(*arguments),
                    is_temporary=_is_temporary,
                    report=report,
                    is_cancelled=is_current_job_cancelled,
                )
            except HousingPriceError as error:
                code, text = self._describe_failure(error)
                self._log.warning("job failed", job_id=DBOS.workflow_id, error=f"{type(error).__name__}: {error}")
                raise JobFailed(code, text) from error
            except Exception as error:
                self._log.exception("job failed", job_id=DBOS.workflow_id, exc_info=error)
                raise

        return DBOS.run_step({"name": name}, run)


def _is_temporary(error: Exception) -> bool:
    # `FileScoring` itself has waited for the model server.
    return not isinstance(error, ModelServerError) and is_temporary(error)


def _unlisted(checkpoint: Mapping[str, Any]) -> dict[str, int]:
    """Return how many refused rows are not listed; nothing if all are."""
    unlisted = checkpoint.get("unlisted", 0)
    return {"rowsUnlisted": unlisted} if unlisted else {}
