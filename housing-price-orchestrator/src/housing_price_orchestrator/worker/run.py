"""Runs the worker that prices the files of jobs; puts it together from the parts that the API is made of."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from housing_price_orchestrator.composition.telemetry import ComposedTelemetry
from housing_price_orchestrator.interface.documents.reading import read_house
from housing_price_orchestrator.interface.problems import answer_to, members_of
from housing_price_orchestrator.observability.logging import configure_logging
from housing_price_orchestrator.provider.jobs.files import FolderJobFiles
from housing_price_orchestrator.settings import PREFIX, InvalidSettings, Settings, load_settings
from housing_price_orchestrator.shared.errors import HousingPriceError, JobInputUnusable
from housing_price_orchestrator.shared.locations import AllowedLocations
from housing_price_orchestrator.shared.view.record import AnyHouse
from housing_price_orchestrator.upstream.open import open_routes, open_upstream
from housing_price_orchestrator.worker.score_file import FileScoring
from housing_price_orchestrator.worker.scoring_worker import ScoringWorker
from housing_price_orchestrator.worker.stores.transfer import Transfer
from housing_price_orchestrator.worker.wait_for_prices import Outcome, PatientPricing
from housing_price_orchestrator.worker.worker_lock import NameTaken, WorkerNames, is_worker_name

STEP_SECONDS = 60.0
"""How long the prices of one step may take; a caller of the API has less time."""


def work(*, name: str) -> None:
    """Work until a signal says stop.

    Raises:
        InvalidSettings: the environment holds something that cannot be used, or another worker has this name.
    """
    settings = load_settings()
    if settings.jobs.database_url is None:
        raise InvalidSettings(f"{PREFIX}JOBS__DATABASE_URL is not set: there are no jobs to do")
    if not is_worker_name(name):
        raise InvalidSettings(
            "--name must be 1 to 64 letters, digits, dots, dashes or underscores, and no dot at first"
        )
    configure_logging(level=settings.log.level, style=settings.log.format)
    try:
        held = WorkerNames(settings.jobs.folder).hold(name)
    except (NameTaken, OSError) as error:
        raise InvalidSettings(f"{PREFIX}JOBS__FOLDER={settings.jobs.folder}: {error}") from error
    with held:
        asyncio.run(_work(settings, settings.jobs.database_url, name))


async def _work(settings: Settings, url: str, name: str) -> None:
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    for which in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(which, stopped.set)
    requests = settings.requests.model_copy(update={"deadline_seconds": STEP_SECONDS})
    metrics = settings.metrics.model_copy(update={"enabled": False})
    ours = settings.model_copy(update={"requests": requests, "metrics": metrics})
    async with contextlib.AsyncExitStack() as stack:
        # A file has prices of one model where it can: a canary proves itself on those who can be asked again.
        upstream = await open_upstream(ours, stack, ComposedTelemetry(ours), await open_routes(ours), with_canary=False)

        async def price_each(houses: Sequence[AnyHouse]) -> Sequence[Outcome]:
            return await upstream.pricing.price_each(houses)

        jobs = settings.jobs
        files = FolderJobFiles(jobs.folder)
        scoring = FileScoring(
            files,
            read=read_house,
            price=PatientPricing(price_each, loop, patience_seconds=jobs.patience_seconds),
            explain=_explained,
            rows_per_step=jobs.rows_per_step,
            max_file_bytes=jobs.max_file_bytes,
        )
        worker = ScoringWorker(
            scoring,
            Transfer(AllowedLocations(jobs.stores), files, max_file_bytes=jobs.max_file_bytes),
            url=make_url(url),
            name=name,
            names=WorkerNames(jobs.folder),
            files=files,
            retention=None if jobs.retention_days is None else timedelta(days=jobs.retention_days),
            max_jobs=jobs.max_jobs,
            wait_seconds=jobs.wait_seconds,
            failure_of=_failure_of,
        )
        try:
            await asyncio.to_thread(worker.start)
        except SQLAlchemyError as error:
            reason = getattr(error, "orig", None) or error
            structlog.get_logger().error("the database of the jobs cannot be used", error=f"{reason}"[:500])
            _end(1)
        structlog.get_logger().info("worker ready", worker=name)
        await stopped.wait()
    structlog.get_logger().info("worker stopped", worker=name)
    _end(0)


def _end(status: int) -> None:
    """End at once: what is under way is done again from its last checkpoint, as after any other end."""
    sys.stdout.flush()
    os._exit(status)


def _explained(error: HousingPriceError) -> Mapping[str, Any]:
    """Say what is wrong with a row, in the words of the API."""
    answer = answer_to(error)
    return {"code": answer.name, "title": answer.title, **members_of(error)}


def _failure_of(error: HousingPriceError) -> tuple[str, str]:
    answer = answer_to(error)
    return answer.name, str(error) if isinstance(error, JobInputUnusable) else answer.detail
