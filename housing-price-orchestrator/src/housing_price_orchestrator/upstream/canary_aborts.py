"""Has the canary that was stopped here taken out of the routes, for all: a part of the composition root (`app.py`)."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import structlog

from housing_price_orchestrator.service.jobs import Jobs
from housing_price_orchestrator.shared.errors import IdempotencyKeyReused, JobsUnavailable
from housing_price_orchestrator.shared.jobs import JobCaller
from housing_price_orchestrator.shared.routing import StoppedCanary
from housing_price_orchestrator.upstream.served_version import ended
from housing_price_orchestrator.upstream.swap import Upstream

SECONDS_BETWEEN_TRIES = 5.0
"""The pause before a queue that could not be reached is asked again."""

BY = "orchestrator"
"""Who says that the canary is to be aborted."""


class CanaryAborts:
    """Submits the job `abort` for each canary that is stopped; several processes that stop the same one submit one."""

    def __init__(self, jobs: Jobs, upstream: Upstream) -> None:
        """Submit to `jobs` what `upstream` stops."""
        self._jobs = jobs
        self._upstream = upstream
        self._submitting: asyncio.Task[None] | None = None
        self._log = structlog.get_logger()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Do so until it is left."""
        self._upstream.on_stop = self._begin
        if self._upstream.stopped is not None:
            self._begin(self._upstream.stopped)
        yield
        self._upstream.on_stop = lambda _: None
        if self._submitting is not None:
            await ended(self._submitting)

    def _begin(self, stopped: StoppedCanary) -> None:
        if self._submitting is not None:
            self._submitting.cancel()
        self._submitting = asyncio.create_task(self._submit(stopped))

    async def _submit(self, stopped: StoppedCanary) -> None:
        # As long as it is in the routes: once they have changed there is nothing to be aborted any more.
        while self._upstream.stopped is stopped:
            try:
                job = await self._jobs.submit_move(
                    "abort",
                    stopped.version,
                    {"reason": stopped.reason},
                    by=BY,
                    caller=JobCaller("", sees_all=True),
                    idempotency_key=f"canary {stopped.version} {stopped.model_id} of revision {stopped.revision}",
                )
            except IdempotencyKeyReused:
                return  # another process was faster, and saw another reason
            except JobsUnavailable as error:
                self._log.warning("the canary cannot be aborted yet", version=stopped.version, error=str(error))
                await asyncio.sleep(SECONDS_BETWEEN_TRIES)
            else:
                self._log.info("abort of the canary submitted", version=stopped.version, job_id=job.id)
                return
