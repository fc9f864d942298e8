"""Submitting, following and collecting jobs."""

import asyncio
import hashlib
import secrets
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from housing_price_orchestrator.shared.errors import (
    IdempotencyKeyReused,
    InvalidDocument,
    JobFinished,
    JobHasNoResult,
    JobNotFound,
)
from housing_price_orchestrator.shared.jobs import Job, JobCaller, JobKind, JobOrder, MoveAction
from housing_price_orchestrator.shared.locations import AllowedLocations, LocationRefused
from housing_price_orchestrator.shared.ports import JobFiles, JobQueue

_NO_BODY = {"type": "missing", "loc": ("body",), "msg": "Field required", "input": None}


class Jobs:
    """The jobs of all callers; each sees their own, and who sees all sees all."""

    def __init__(
        self,
        queue: JobQueue,
        files: JobFiles,
        locations: AllowedLocations,
        *,
        new_id: Callable[[], str] = lambda: secrets.token_hex(16),
    ) -> None:
        """Keep jobs in `queue` and what belongs to them in `files`, or where callers want it of `locations`."""
        self._queue = queue
        self._locations = locations
        self._files = files
        self._new_id = new_id

    async def submit_scoring(
        self, parts: AsyncIterator[bytes], *, suffix: str, caller: JobCaller, idempotency_key: str | None
    ) -> Job:
        """Submit a file whose rows are to be priced.

        Raises:
            InvalidDocument: the file is empty.
            IdempotencyKeyReused: the key has come with another file, or another kind of file.
            JobsUnavailable, JobFilesFull: it cannot be kept.
        """
        received = await self._files.receive(parts, suffix=suffix)
        if not received.size_bytes:
            await self._files.remove(received.name)
            raise InvalidDocument([_NO_BODY])
        arguments = {"input": received.name, "format": suffix}
        content = {"sha256": received.sha256, "format": suffix}
        # Where the queue does not answer it may have taken the job all the same: its file stays then.
        job, fingerprint = await self._submit("scoring", arguments, content, caller, idempotency_key)
        if job.arguments.get("input") != received.name:
            # The job was there already, with a file of its own.
            await self._files.remove(received.name)
        return _unless_another(job, fingerprint)

    async def submit_scoring_in_stores(
        self, input_uri: str, output_uri: str, *, caller: JobCaller, idempotency_key: str | None
    ) -> Job:
        """Submit a file that stays where it is, and whose prices are written where the caller wants them.

        Raises:
            InvalidDocument: one of both is not where files may be.
            IdempotencyKeyReused: the key has come with other files.
            JobsUnavailable: it cannot be kept.
        """
        arguments = {"input": input_uri, "output": output_uri}
        findings = []
        for name, uri in arguments.items():
            try:
                self._locations.find(uri)
            except LocationRefused as error:
                findings.append({"type": "location_refused", "loc": ("body", name), "msg": str(error)})
        if not findings and input_uri == output_uri:
            findings.append({"type": "location_refused", "loc": ("body", "output"), "msg": "it is the input"})
        if findings:
            raise InvalidDocument(findings)
        return _unless_another(*await self._submit("scoring", arguments, arguments, caller, idempotency_key))

    async def submit_training(
        self, arguments: Mapping[str, Any], *, caller: JobCaller, idempotency_key: str | None
    ) -> Job:
        """Submit a training.

        Raises:
            IdempotencyKeyReused: the key has come with other arguments.
            JobsUnavailable: it cannot be kept.
        """
        return _unless_another(*await self._submit("training", arguments, arguments, caller, idempotency_key))

    async def submit_move(
        self,
        action: MoveAction,
        version: str,
        order: Mapping[str, Any],
        *,
        by: str,
        caller: JobCaller,
        idempotency_key: str | None,
    ) -> Job:
        """Submit a move of a version of the model: `order` has its reason, and what else the action takes.

        Raises:
            IdempotencyKeyReused: the key has come with another move.
            JobsUnavailable: it cannot be kept.
        """
        nothing = {"weight": None, "sample": None, "limits": None, "reason": ""}
        arguments = {"action": action, "version": version, **nothing, **order, "by": by}
        return _unless_another(*await self._submit("lifecycle", arguments, arguments, caller, idempotency_key))

    async def _submit(
        self,
        kind: JobKind,
        arguments: Mapping[str, Any],
        content: Mapping[str, Any],
        caller: JobCaller,
        idempotency_key: str | None,
    ) -> tuple[Job, str]:
        job_id = self._new_id() if idempotency_key is None else _derived_id(caller.owner, kind, idempotency_key)
        fingerprint = hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).hexdigest()
        job = await self._queue.submit(JobOrder(job_id, kind, caller.owner, fingerprint, arguments))
        return job, fingerprint

    async def find(self, job_id: str, caller: JobCaller) -> Job:
        """Look up a job that `caller` may see.

        Raises:
            JobNotFound: there is none.
            JobsUnavailable: it cannot be told now.
        """
        job = await self._queue.find(job_id)
        if job is None or not caller.may_see(job):
            raise JobNotFound(job_id)
        return job

    async def page(self, caller: JobCaller, *, limit: int, offset: int) -> Sequence[Job]:
        """Give some of the jobs that `caller` may see, the latest first."""
        return await self._queue.page(owner=None if caller.sees_all else caller.owner, limit=limit, offset=offset)

    async def cancel(self, job_id: str, caller: JobCaller) -> Job:
        """End a job.

        Raises:
            JobNotFound: there is none.
            JobFinished: it has come to another end already.
        """
        job = await self.find(job_id, caller)
        if job.state == "cancelled":
            return job
        job.moved_to("cancelled")
        await self._queue.cancel(job_id)
        job = await self.find(job_id, caller)
        if job.state != "cancelled":
            # It came to its end while we asked.
            raise JobFinished(job_id, job.state)
        if job.kind == "scoring" and not _is_in_stores(job):
            # A worker that has begun throws away the rest when it notices.
            await self._files.remove(str(job.arguments.get("input", "")))
        return job

    async def result_of(self, job_id: str, caller: JobCaller) -> Path | Mapping[str, Any]:
        """Give what a job has made: the file of a scoring; the report of anything else, or of a scoring in stores.

        Raises:
            JobNotFound: there is no such job.
            JobHasNoResult: it has not succeeded.
        """
        job = await self.find(job_id, caller)
        if job.state != "succeeded" or job.output is None:
            raise JobHasNoResult(job_id, job.state)
        if job.kind != "scoring" or _is_in_stores(job):
            return job.output
        return await self._existing(job, self._files.result_path(job.id, str(job.arguments.get("format"))))

    async def refused_by(self, job_id: str, caller: JobCaller) -> Path:
        """Give the file of the rows that a scoring has refused.

        Raises:
            JobNotFound: there is no such job.
            JobHasNoResult: it has not succeeded, or is no scoring, or has written them elsewhere.
        """
        job = await self.find(job_id, caller)
        if job.state != "succeeded" or job.kind != "scoring" or _is_in_stores(job):
            raise JobHasNoResult(job_id, job.state)
        return await self._existing(job, self._files.refused_path(job.id))

    async def _existing(self, job: Job, path: Path) -> Path:
        if not await asyncio.to_thread(path.is_file):
            raise JobHasNoResult(job.id, job.state)
        return path


def _is_in_stores(job: Job) -> bool:
    return "output" in job.arguments


def _unless_another(job: Job, fingerprint: str) -> Job:
    if job.fingerprint != fingerprint:
        raise IdempotencyKeyReused(f"the key of job {job.id} came with another request")
    return job


def _derived_id(owner: str, kind: JobKind, idempotency_key: str) -> str:
    """Make the id that the same key of the same owner always has."""
    return hashlib.sha256("\0".join((owner, kind, idempotency_key)).encode()).hexdigest()[:32]
