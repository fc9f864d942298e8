"""The jobs queue on DBOS, as the API uses it; the API runs no jobs itself."""

import contextlib
import hashlib
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Future
from datetime import UTC, datetime
from typing import Final, Self

from dbos import DBOSClient, EnqueueOptions, WorkflowStatus
from dbos import error as dbos_error
from sqlalchemy.engine import URL, Engine
from sqlalchemy.exc import SQLAlchemyError

from housing_price_orchestrator.provider.database_error import is_caused_by_value
from housing_price_orchestrator.provider.jobs.names import (
    PROGRESS_EVENT,
    WORKFLOW_OF_KIND,
    application_name,
    queue_name,
)
from housing_price_orchestrator.shared.errors import JobClaimTaken, JobsUnavailable, ValueUnsupported
from housing_price_orchestrator.shared.jobs import Job, JobFailure, JobKind, JobOrder, JobState, QueueFigures
from housing_price_platform.database.deadline import deadline, seconds_left
from housing_price_platform.database.errors import describe_database_error
from housing_price_platform.database.threads import CallRefused, CallTimedOut, DatabaseThreads
from housing_price_platform.jobs.client import open_client, read_events
from housing_price_platform.jobs.database import client_engine
from housing_price_platform.jobs.failure import public_failure
from housing_price_platform.jobs.monitoring.queue_figures import read_queue_figures
from housing_price_platform.jobs.monitoring.running_workers import count_workers
from housing_price_platform.jobs.refuse_pickle import PickleRefused
from housing_price_platform.jobs.retention import UNFINISHED

MAX_READS: Final = 3
"""Queries that only read and run concurrently; others wait."""

MAX_WRITES: Final = 2
"""Queries that write and run concurrently; others wait. Reads have threads of their own and never wait for writes."""

MAX_WAITING: Final = 50
"""Reads, and writes, that may wait; more are refused immediately."""

OPEN_SECONDS: Final = 60.0
"""Time to open the database and to create its tables."""

CLOSE_SECONDS: Final = 1.0
"""Time to close the connections when the process stops."""

_STATE_OF_STATUS: Final[Mapping[str, JobState]] = {
    "DELAYED": "queued",
    "ENQUEUED": "queued",
    "PENDING": "running",
    "SUCCESS": "succeeded",
    "ERROR": "failed",
    "MAX_RECOVERY_ATTEMPTS_EXCEEDED": "failed",
    "CANCELLED": "cancelled",
}
_KIND_OF_WORKFLOW: Final[Mapping[str, JobKind]] = {name: kind for kind, name in WORKFLOW_OF_KIND.items()}
_FINGERPRINT: Final = "fingerprint"
_UNEXPECTED: Final = JobFailure(
    "internal-error", "An unexpected error occurred in the worker. Its log has the details."
)
_WORKER_DIED: Final = JobFailure("worker-died", "The worker process died on every attempt to run this job.")


class DBOSJobQueue:
    """A `JobQueue` whose jobs are DBOS workflows, run by workers on any machine."""

    def __init__(self, url: URL, *, wait_seconds: float) -> None:
        """Use the database at `url`, with `wait_seconds` as timeout; it is opened, and created, by the first query."""
        self._url = url
        self._wait_seconds = wait_seconds
        self._reads = DatabaseThreads(MAX_READS, max_waiting=MAX_WAITING, name="job-reads")
        self._writes = DatabaseThreads(MAX_WRITES, max_waiting=MAX_WAITING, name="job-writes")
        self._open_lock = threading.Lock()
        self._opening: Future[tuple[Engine, DBOSClient]] | None = None

    async def __aenter__(self) -> Self:
        """Return the queue; the database is opened by the first query."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the database, without waiting for queries that hang."""
        opening = self._opening
        if opening is not None and opening.done() and opening.exception() is None:
            with contextlib.suppress(CallTimedOut, CallRefused):
                await self._reads.run(lambda: self._close(*opening.result()), seconds=CLOSE_SECONDS)
        self._reads.close()
        self._writes.close()

    async def submit(self, order: JobOrder, /) -> Job:
        """Enqueue a job, or return the existing job with the same id."""
        return await self._query(lambda client: self._submit(client, order), writes=True)

    async def find(self, job_id: str, /) -> Job | None:
        """Return a job, or None if there is none with this id."""
        return await self._query(lambda client: self._find(client, job_id))

    async def page(self, *, owner: str | None, kinds: Collection[JobKind], limit: int, offset: int) -> Sequence[Job]:
        """Return a page of jobs, latest first."""
        workflows = [WORKFLOW_OF_KIND[kind] for kind in kinds]
        if not workflows:
            return []  # DBOS takes an empty list of names for all names

        def list_jobs(client: DBOSClient) -> list[Job]:
            found = client.list_workflows(user=owner, name=workflows, limit=limit, offset=offset, sort_desc=True)
            return [self._job(client, status, with_progress=status.status == "PENDING") for status in found]

        return await self._query(list_jobs)

    async def has_unfinished(self, kind: JobKind, /) -> bool:
        """Return whether a job of this kind waits or runs."""
        workflow = WORKFLOW_OF_KIND[kind]
        found = await self._query(
            lambda client: client.list_workflows(
                name=workflow, status=list(UNFINISHED), limit=1, load_input=False, load_output=False
            )
        )
        return bool(found)

    async def cancel(self, job_id: str, /) -> None:
        """Cancel a job; its worker stops before the next step."""
        await self._query(lambda client: client.cancel_workflow(job_id), writes=True)

    async def figures(self) -> Mapping[JobKind, QueueFigures]:
        """Return the figures of the queue of each kind."""
        return await self._query(self._figures)

    async def _query[T](self, query: Callable[[DBOSClient], T], *, writes: bool = False) -> T:
        threads = self._writes if writes else self._reads
        try:
            return await threads.run(lambda: query(self._client()), seconds=self._wait_seconds)
        except (SQLAlchemyError, dbos_error.DBOSQueryTimeoutError, UnicodeError, OverflowError) as error:
            kind = ValueUnsupported if is_caused_by_value(error) else JobsUnavailable
            raise kind(describe_database_error(error)) from error
        except (CallRefused, CallTimedOut) as error:
            raise JobsUnavailable(str(error)) from error

    def _client(self) -> DBOSClient:
        with self._open_lock:
            if self._opening is None:
                # A thread of its own, because creating the tables may take longer than the time of one query.
                self._opening = Future()
                threading.Thread(target=self._open, args=(self._opening,), name="open-jobs", daemon=True).start()
            opening = self._opening
        try:
            return opening.result(seconds_left(self._wait_seconds))[1]
        except TimeoutError as error:
            raise JobsUnavailable("the database is still being opened") from error

    def _open(self, opening: "Future[tuple[Engine, DBOSClient]]") -> None:
        connections = MAX_READS + MAX_WRITES
        engine = client_engine(
            self._url, connections=connections, spare_connections=connections, wait_seconds=self._wait_seconds
        )
        try:
            with deadline(OPEN_SECONDS):
                client = open_client(engine, query_seconds=self._wait_seconds)
        except BaseException as error:  # noqa: BLE001 - the callers get it
            engine.dispose()
            with self._open_lock:
                # The next query tries again.
                self._opening = None
            opening.set_exception(error)
        else:
            opening.set_result((engine, client))

    @staticmethod
    def _close(engine: Engine, client: DBOSClient) -> None:
        client.destroy()
        engine.dispose()

    def _submit(self, client: DBOSClient, order: JobOrder) -> Job:
        options: EnqueueOptions = {
            "workflow_name": WORKFLOW_OF_KIND[order.kind],
            "queue_name": queue_name(order.kind),
            "application_name": application_name(order.kind),
            "workflow_id": order.id,
            "authenticated_user": order.owner,
            "attributes": {_FINGERPRINT: order.fingerprint},
        }
        if order.claim is not None:
            # DBOS keeps it until the job ends, and refuses it to other jobs in the same transaction.
            options["deduplication_id"] = hashlib.sha256(order.claim.encode()).hexdigest()
        try:
            client.enqueue(options, dict(order.arguments))
        except dbos_error.DBOSQueueDeduplicatedError as error:
            raise JobClaimTaken(order.id) from error
        job = self._find(client, order.id)
        if job is None:
            raise JobsUnavailable(f"job {order.id} is missing right after it was submitted")
        return job

    def _figures(self, client: DBOSClient) -> dict[JobKind, QueueFigures]:
        now = time.time()
        figures = read_queue_figures(client, list(_KIND_OF_WORKFLOW), now=now)
        workers = count_workers(client._sys_db.engine, now=now)  # noqa: SLF001 - the engine that `_open` created
        found = {}
        for workflow, kind in _KIND_OF_WORKFLOW.items():
            of_workflow, counts = figures[workflow], workers.get(queue_name(kind))
            found[kind] = QueueFigures(
                waiting=of_workflow.waiting,
                running=of_workflow.running,
                oldest_waiting_seconds=of_workflow.oldest_waiting_seconds,
                failed_last_hour=of_workflow.failed_recently,
                running_workers=None if counts is None else counts.running,
                stopped_workers=None if counts is None else counts.stopped,
            )
        return found

    def _find(self, client: DBOSClient, job_id: str) -> Job | None:
        found = client.list_workflows(workflow_ids=[job_id], name=list(_KIND_OF_WORKFLOW))
        return self._job(client, found[0], with_progress=True) if found else None

    def _job(self, client: DBOSClient, status: WorkflowStatus, *, with_progress: bool) -> Job:
        state = _STATE_OF_STATUS[status.status]
        progress = None
        if with_progress and state != "queued":
            # A pickled progress event was not written by this service: report no progress.
            with contextlib.suppress(PickleRefused):
                progress = read_events(client, status.workflow_id).get(PROGRESS_EVENT)
        # DBOS returns the raw text of an input that it cannot decode.
        positional = status.input["args"] if isinstance(status.input, dict) else ()
        arguments = positional[0] if positional else {}
        return Job(
            id=status.workflow_id,
            kind=_KIND_OF_WORKFLOW[status.name],
            owner=status.authenticated_user or "",
            fingerprint=str((status.attributes or {}).get(_FINGERPRINT, "")),
            arguments=arguments if isinstance(arguments, Mapping) else {},
            state=state,
            created_at=_utc_time(status.created_at or 0),
            started_at=None if status.dequeued_at is None or state == "queued" else _utc_time(status.dequeued_at),
            finished_at=None if status.completed_at is None else _utc_time(status.completed_at),
            progress=progress if isinstance(progress, Mapping) else None,
            failure=_failure(status) if state == "failed" else None,
            output=status.output if isinstance(status.output, Mapping) else None,
        )


def _failure(status: WorkflowStatus) -> JobFailure:
    if status.status == "MAX_RECOVERY_ATTEMPTS_EXCEEDED":
        return _WORKER_DIED
    failure = public_failure(status.error if isinstance(status.error, BaseException) else None)
    return _UNEXPECTED if failure is None else JobFailure(str(failure.code), failure.message, failure.facts)


def _utc_time(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
