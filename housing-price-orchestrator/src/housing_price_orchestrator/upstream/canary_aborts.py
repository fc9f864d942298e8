"""Submits an `abort` job for a canary that this process stopped. Part of the composition root (`app.py`)."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Final

import structlog

from housing_price_orchestrator.service.jobs import Jobs
from housing_price_orchestrator.shared.errors import IdempotencyKeyReused, JobsUnavailable, MoveRefused
from housing_price_orchestrator.shared.jobs import EVERYBODY
from housing_price_orchestrator.shared.routing import StoppedCanary
from housing_price_orchestrator.shared.tasks import cancel_and_wait
from housing_price_orchestrator.upstream.swap import Upstream
from housing_price_platform.orders.moves import Action

RETRY_PAUSE_SECONDS: Final = 5.0
"""Pause before submitting again after the job queue was unavailable."""

REQUESTED_BY: Final = "orchestrator"
"""Recorded as the author of the `abort` job."""


class CanaryAborts:
    """Submits one `abort` job per stopped canary, which removes the canary from the routes of every process.

    Processes that stop the same canary share one idempotency key, so the queue holds one job.
    """

    def __init__(self, jobs: Jobs, upstream: Upstream) -> None:
        """Submit to `jobs` when `upstream` stops a canary."""
        self._jobs = jobs
        self._upstream = upstream
        self._submitting: asyncio.Task[None] | None = None
        self._log = structlog.get_logger()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Submit jobs inside this context."""
        self._upstream.on_canary_stopped = self._begin
        if self._upstream.stopped is not None:
            self._begin(self._upstream.stopped)
        try:
            yield
        finally:
            self._upstream.on_canary_stopped = lambda _: None
            if self._submitting is not None:
                await cancel_and_wait(self._submitting)

    def _begin(self, stopped: StoppedCanary) -> None:
        if self._submitting is not None:
            self._submitting.cancel()
        self._submitting = asyncio.create_task(self._submit(stopped))

    async def _submit(self, stopped: StoppedCanary) -> None:
        # Retry only while the stopped canary is still in the routes.
        while self._upstream.stopped is stopped:
            try:
                job = await self._jobs.submit_move(
                    Action.ABORT,
                    stopped.version,
                    {"reason": stopped.reason},
                    by=REQUESTED_BY,
                    caller=EVERYBODY,
                    idempotency_key=f"canary {stopped.version} {stopped.model_id} of revision {stopped.revision}",
                )
            except IdempotencyKeyReused:
                return  # another process submitted first, with a different reason
            except MoveRefused as error:
                self._log.warning("canary abort refused", version=stopped.version, error=str(error))
                return
            except JobsUnavailable as error:
                self._log.warning(
                    "job queue unavailable, abort of the canary not submitted yet",
                    version=stopped.version,
                    error=str(error),
                )
                await asyncio.sleep(RETRY_PAUSE_SECONDS)
            else:
                self._log.info("canary abort submitted", version=stopped.version, job_id=job.id)
                return
