"""Jobs: submit, look up, cancel, and get results."""

import asyncio
import hashlib
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from housing_price_orchestrator.shared.errors import (
    BODY_MISSING,
    IdempotencyKeyReused,
    InvalidDocument,
    JobClaimTaken,
    JobFinished,
    JobHasNoResult,
    JobNotFound,
    JobOutputTaken,
    VersionUnknown,
)
from housing_price_orchestrator.shared.jobs import NO_ROW_PRICED, Job, JobCaller, JobKind, JobOrder
from housing_price_orchestrator.shared.locations import (
    AllowedLocations,
    Location,
    LocationRefused,
    check_written_files,
)
from housing_price_orchestrator.shared.ports import JobFiles, JobQueue, MoveRules
from housing_price_platform.orders.moves import MAX_CALLER_CHARACTERS, Action, ServedModel


class Jobs:
    """Jobs of all callers. A caller sees its own jobs, or those of all callers if `JobCaller.sees_all`."""

    def __init__(
        self,
        queue: JobQueue,
        files: JobFiles,
        locations: AllowedLocations,
        moves: MoveRules,
        *,
        is_existing_file: Callable[[Location], Awaitable[bool]] | None = None,
    ) -> None:
        """Store jobs in `queue` and their files in `files`, or in stores that `locations` allows.

        Moves that the lifecycle worker would refuse, as `moves` knows, are not submitted.
        `is_existing_file` returns False for files that only workers can see; without it, only they check.
        """
        self._queue = queue
        self._locations = locations
        self._files = files
        self._is_existing_file = is_existing_file
        self._moves = moves

    async def submit_scoring(
        self, parts: AsyncIterator[bytes], *, suffix: str, caller: JobCaller, idempotency_key: str | None
    ) -> Job:
        """Submit an uploaded file for pricing.

        Raises:
            InvalidDocument: the file is empty.
            IdempotencyKeyReused: the key was used with another file or format.
            JobsUnavailable, JobFilesFull: the job cannot be stored now.
        """
        received = await self._files.receive(parts, suffix=suffix)
        if not received.size_bytes:
            await self._files.remove(received.name)
            raise InvalidDocument([BODY_MISSING])
        arguments = {"input": received.name, "format": suffix}
        content = {"sha256": received.sha256, "format": suffix}
        # If the queue fails, the file stays: the queue may have stored the job before it failed.
        job, fingerprint = await self._submit("scoring", arguments, content, caller, idempotency_key)
        if job.arguments.get("input") != received.name:
            # The key belongs to an existing job, which has its own copy of the file.
            await self._files.remove(received.name)
        return _require_same_content(job, fingerprint)

    async def submit_scoring_in_stores(
        self, input_uri: str, output_uri: str, *, caller: JobCaller, idempotency_key: str | None
    ) -> Job:
        """Submit a file in an object store or shared folder; the result is written to `output_uri`.

        Raises:
            InvalidDocument: a location is not allowed, or the job would write to its input.
            JobOutputTaken: a file that the job would write exists, or another unfinished job writes it.
            IdempotencyKeyReused: the key was used with other locations.
            JobsUnavailable: the job cannot be stored now.
        """
        arguments = {"input": input_uri, "output": output_uri}
        output = self._checked_output(arguments)
        taken = await self._find_existing_file(output)
        # A repeated request finds its job, which may have written the file.
        if taken and (idempotency_key is None or await self._find_repeated(caller, idempotency_key) is None):
            raise JobOutputTaken(taken.uri)
        try:
            submitted = await self._submit("scoring", arguments, arguments, caller, idempotency_key, claim=output.claim)
        except JobClaimTaken as error:
            raise JobOutputTaken(output_uri) from error
        return _require_same_content(*submitted)

    def _checked_output(self, arguments: Mapping[str, str]) -> Location:
        """Check where a job reads and writes; returns its output."""
        found: dict[str, Location] = {}
        findings = []
        for name, uri in arguments.items():
            try:
                found[name] = self._locations.find(uri)
                if len(found) == len(arguments):
                    check_written_files(found["input"], found["output"])
            except LocationRefused as error:
                findings.append({"type": "location_refused", "loc": ("body", name), "msg": str(error)})
        if findings:
            raise InvalidDocument(findings)
        return found["output"]

    async def _find_existing_file(self, output: Location) -> Location | None:
        if self._is_existing_file is not None:
            for written in output.written_files:
                if await self._is_existing_file(written):
                    return written
        return None

    async def _find_repeated(self, caller: JobCaller, idempotency_key: str) -> Job | None:
        return await self._queue.find(_derived_id(caller.owner, "scoring", idempotency_key))

    async def submit_training(
        self, arguments: Mapping[str, Any], *, caller: JobCaller, idempotency_key: str | None
    ) -> Job:
        """Submit a training job.

        Raises:
            IdempotencyKeyReused: the key was used with other arguments.
            JobsUnavailable: the job cannot be stored now.
        """
        return _require_same_content(*await self._submit("training", arguments, arguments, caller, idempotency_key))

    async def submit_move(
        self,
        action: Action,
        version: str,
        order: Mapping[str, Any],
        *,
        model: ServedModel = ServedModel.PRICE,
        by: str,
        caller: JobCaller,
        idempotency_key: str | None,
    ) -> Job:
        """Submit a change of a model version; `order` has the reason and the arguments of the action.

        Raises:
            MoveRefused: the lifecycle worker would refuse the change.
            IdempotencyKeyReused: the key was used with another change.
            JobsUnavailable: the job cannot be stored now.
        """
        await self._check_move(action, model, version, caller, idempotency_key)
        defaults = {"weight": None, "sample": None, "limits": None, "reason": ""}
        author = by[:MAX_CALLER_CHARACTERS]
        arguments = {"action": action.value, "version": version, **defaults, **order, "by": author}
        if model is not ServedModel.PRICE:  # the default: arguments of earlier jobs, and their fingerprints, lack it
            arguments["model"] = model.value
        return _require_same_content(*await self._submit("lifecycle", arguments, arguments, caller, idempotency_key))

    async def _check_move(
        self, action: Action, model: ServedModel, version: str, caller: JobCaller, idempotency_key: str | None
    ) -> None:
        refusal = await self._moves.refusal_of(action, model, version)
        if refusal is None:
            return
        # A repeated request gets the job of the first one, although the version may have changed its state since.
        if idempotency_key is not None and await self._queue.find(
            _derived_id(caller.owner, "lifecycle", idempotency_key)
        ):
            return
        # An earlier move that has not finished changes states: the worker judges the new one after it.
        if isinstance(refusal, VersionUnknown) or not await self._queue.has_unfinished("lifecycle"):
            raise refusal

    async def _submit(
        self,
        kind: JobKind,
        arguments: Mapping[str, Any],
        content: Mapping[str, Any],
        caller: JobCaller,
        idempotency_key: str | None,
        *,
        claim: str | None = None,
    ) -> tuple[Job, str]:
        job_id = secrets.token_hex(16) if idempotency_key is None else _derived_id(caller.owner, kind, idempotency_key)
        fingerprint = hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).hexdigest()
        job = await self._queue.submit(JobOrder(job_id, kind, caller.owner, fingerprint, arguments, claim))
        return job, fingerprint

    async def find(self, job_id: str, caller: JobCaller) -> Job:
        """Return a job that `caller` may see.

        Raises:
            JobNotFound: no such job, or it belongs to another caller.
            JobsUnavailable: the queue cannot be reached.
        """
        job = await self._queue.find(job_id)
        if job is None or not caller.may_see(job):
            raise JobNotFound(job_id)
        return job

    async def page(self, caller: JobCaller, *, limit: int, offset: int) -> Sequence[Job]:
        """Return a page of the jobs that `caller` may see, newest first."""
        owner = None if caller.sees_all else caller.owner
        return await self._queue.page(owner=owner, kinds=caller.kinds, limit=limit, offset=offset)

    async def cancel(self, job_id: str, caller: JobCaller) -> Job:
        """Cancel a job; a job that is already cancelled stays as it is.

        Raises:
            JobNotFound: no such job, or it belongs to another caller.
            JobFinished: the job has already succeeded or failed.
        """
        job = await self.find(job_id, caller)
        if job.state == "cancelled":
            return job
        job.with_state("cancelled")
        await self._queue.cancel(job_id)
        job = await self.find(job_id, caller)
        if job.state != "cancelled":
            # It finished before the cancellation took effect.
            raise JobFinished(job_id, job.state)
        if job.kind == "scoring" and not _is_in_stores(job):
            # A worker that has started deletes the other files when it notices the cancellation.
            await self._files.remove(str(job.arguments.get("input", "")))
        return job

    async def result_of(self, job_id: str, caller: JobCaller) -> Path | Mapping[str, Any]:
        """Return the result of a job: the path of a scored upload, or the report of any other job.

        Raises:
            JobNotFound: no such job, or it belongs to another caller.
            JobHasNoResult: the job has not succeeded, or its file is gone.
        """
        job = await self.find(job_id, caller)
        if job.state != "succeeded" or job.output is None:
            raise JobHasNoResult(job_id, job.state)
        if job.kind != "scoring" or _is_in_stores(job):
            return job.output
        return await self._require_file(job, self._files.result_path(job.id, str(job.arguments.get("format"))))

    async def refused_rows_of(self, job_id: str, caller: JobCaller) -> Path:
        """Return the path of the rows that a scoring job refused.

        Raises:
            JobNotFound: no such job, or it belongs to another caller.
            JobHasNoResult: the job has not finished, failed otherwise than by pricing no row, is not a scoring job, or
                wrote its files to a store.
        """
        job = await self.find(job_id, caller)
        if not _has_refused_rows(job) or job.kind != "scoring" or _is_in_stores(job):
            raise JobHasNoResult(job_id, job.state)
        return await self._require_file(job, self._files.refused_path(job.id))

    async def _require_file(self, job: Job, path: Path) -> Path:
        if not await asyncio.to_thread(path.is_file):
            raise JobHasNoResult(job.id, job.state)
        return path


def _has_refused_rows(job: Job) -> bool:
    return job.state == "succeeded" or (job.failure is not None and job.failure.code == NO_ROW_PRICED)


def _is_in_stores(job: Job) -> bool:
    return "output" in job.arguments


def _require_same_content(job: Job, fingerprint: str) -> Job:
    if job.fingerprint != fingerprint:
        raise IdempotencyKeyReused(f"idempotency key of job {job.id} was used with a different request")
    return job


def _derived_id(owner: str, kind: JobKind, idempotency_key: str) -> str:
    """Derive the job id from owner, kind and idempotency key, so that a repeated request finds the same job."""
    return hashlib.sha256("\0".join((owner, kind, idempotency_key)).encode()).hexdigest()[:32]
