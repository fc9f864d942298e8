"""Composes the job service. Part of the composition root (`app.py`)."""

import asyncio
import contextlib
from typing import Final

from sqlalchemy.engine import make_url

from housing_price_orchestrator.composition.job_metrics import JobMetrics
from housing_price_orchestrator.composition.tasks import run_until_closed
from housing_price_orchestrator.interface.documents.upload import UploadLimits
from housing_price_orchestrator.observability.metrics import Metrics
from housing_price_orchestrator.provider.jobs.files import FolderJobFiles
from housing_price_orchestrator.provider.jobs.folder_store import FolderStore, is_local
from housing_price_orchestrator.provider.jobs.move_rules import MoveRulesFiles
from housing_price_orchestrator.service.jobs import Jobs
from housing_price_orchestrator.settings import Settings
from housing_price_orchestrator.shared.locations import AllowedLocations, Location

_CHECK_SECONDS: Final = 2.0
"""Deadline for looking at a local folder, which may be a network mount."""


async def open_jobs(settings: Settings, stack: contextlib.AsyncExitStack, metrics: Metrics | None) -> Jobs | None:
    """Open the job queue, to be closed by `stack`, and measure it; returns None if jobs are off."""
    jobs = settings.jobs
    if jobs.database_url is None:
        return None
    # Imported here because it takes a second and 50 MB to load.
    from housing_price_orchestrator.provider.jobs.queue import DBOSJobQueue  # noqa: PLC0415

    queue = DBOSJobQueue(make_url(jobs.database_url), wait_seconds=jobs.wait_seconds)
    await stack.enter_async_context(queue)
    if metrics is not None:
        run_until_closed(JobMetrics(queue, metrics).keep_reading(), stack)
    locations = AllowedLocations(jobs.stores)
    # The lifecycle worker keeps its documents beside the routes, in the serving folder.
    routes = settings.model_server.routes_file
    moves = MoveRulesFiles(None if routes is None else routes.parent)
    return Jobs(
        queue,
        FolderJobFiles(jobs.folder),
        locations,
        moves,
        is_existing_file=_is_existing_local_file,
    )


async def _is_existing_local_file(location: Location) -> bool:
    """Check a local folder; other stores need the workers' credentials, and the worker checks all of them again."""
    if not is_local(location):
        return False
    try:
        return await asyncio.wait_for(asyncio.to_thread(FolderStore().exists, location), _CHECK_SECONDS)
    except (OSError, TimeoutError):
        return False  # not mounted here


def upload_limits(settings: Settings) -> UploadLimits:
    """Return the limits for uploaded files."""
    jobs = settings.jobs
    return UploadLimits(
        file_bytes=jobs.max_file_bytes, idle_seconds=jobs.file_idle_seconds, total_seconds=jobs.max_file_seconds
    )
