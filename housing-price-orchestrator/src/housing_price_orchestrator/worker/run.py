"""Composition root of the scoring worker: builds it from the parts that the API uses, and runs it until a signal."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Final

import structlog
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from housing_price_orchestrator.composition.telemetry import ComposedTelemetry
from housing_price_orchestrator.interface.documents.lines import read_named_house
from housing_price_orchestrator.interface.problems import extension_members, problem_type_of
from housing_price_orchestrator.observability.logging import configure_logging, log_warnings
from housing_price_orchestrator.provider.jobs.files import FolderJobFiles
from housing_price_orchestrator.settings import PREFIX, InvalidSettings, Settings, load_settings
from housing_price_orchestrator.shared.errors import HousingPriceError, JobInputUnusable
from housing_price_orchestrator.shared.locations import AllowedLocations
from housing_price_orchestrator.shared.ports import PriceEstimate
from housing_price_orchestrator.shared.view.record import AnyHouse
from housing_price_orchestrator.upstream.open import open_routes, open_upstream
from housing_price_orchestrator.worker.price_rows import Outcome
from housing_price_orchestrator.worker.refused_rows import describe_error
from housing_price_orchestrator.worker.score_file import FileScoring
from housing_price_orchestrator.worker.scoring_worker import ScoringWorker
from housing_price_orchestrator.worker.stores.transfer import Transfer
from housing_price_orchestrator.worker.wait_for_prices import RetryingPricing
from housing_price_platform.database.errors import describe_database_error
from housing_price_platform.database.sqlite_file import damage_of_database
from housing_price_platform.jobs.cancelled import is_current_job_cancelled
from housing_price_platform.jobs.worker_lock import NAME_RULE, WorkerLocks, WorkerNameTaken, is_worker_name
from housing_price_platform.output.log_output import keep_running_without_log
from housing_price_platform.quick_exit import skip_final_garbage_collection

BLOCK_DEADLINE_SECONDS: Final = 60.0
"""Deadline for pricing one block of rows. API requests have a shorter one."""

LOCK_FOLDER: Final = "workers"
"""Folder of the workers' locks, in the folder of the jobs."""


def run_worker(*, name: str, warnings: Iterable[str] = ()) -> None:
    """Run the worker until SIGTERM or SIGINT; `warnings` are logged.

    Raises:
        InvalidSettings: a setting is not valid, another worker with this name is running, or the SQLite file of the
            jobs is damaged.
    """
    skip_final_garbage_collection()
    settings = load_settings()
    if settings.jobs.database_url is None:
        raise InvalidSettings(f"{PREFIX}JOBS__DATABASE_URL is not set: the worker needs the jobs database")
    if damage := damage_of_database(settings.jobs.database_url):
        raise InvalidSettings(f"{PREFIX}JOBS__DATABASE_URL: {damage}")
    if not is_worker_name(name):
        raise InvalidSettings(f"--name must be {NAME_RULE}")
    keep_running_without_log()
    configure_logging("scoring-worker", level=settings.log.level, style=settings.log.format)
    log_warnings(warnings)
    locks = WorkerLocks(settings.jobs.folder / LOCK_FOLDER)
    try:
        lock = locks.acquire(name)
    except (WorkerNameTaken, OSError) as error:
        raise InvalidSettings(f"{PREFIX}JOBS__FOLDER={settings.jobs.folder}: {error}") from error
    with lock:
        asyncio.run(_run(settings, settings.jobs.database_url, name, locks))


async def _run(settings: Settings, url: str, name: str, locks: WorkerLocks) -> None:
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    requests = settings.requests.model_copy(update={"deadline_seconds": BLOCK_DEADLINE_SECONDS})
    metrics = settings.metrics.model_copy(update={"enabled": False})
    worker_settings = settings.model_copy(update={"requests": requests, "metrics": metrics})
    async with contextlib.AsyncExitStack() as stack:
        # One file should be priced by one model, so jobs ignore the canary.
        upstream = await open_upstream(
            worker_settings,
            stack,
            ComposedTelemetry(worker_settings),
            await open_routes(worker_settings),
            with_canary=False,
        )

        async def price_each(houses: Sequence[AnyHouse]) -> Sequence[Outcome]:
            outcomes = await upstream.pricing.price_each(houses)
            models = {outcome.model.id for outcome in outcomes if isinstance(outcome, PriceEstimate)}
            if not upstream.input_warnings.knows(models):
                # All rows of a file have their warnings, also if the model is new. A probe learns its ranges.
                await upstream.probe.probe()
            return outcomes

        jobs = settings.jobs
        files = FolderJobFiles(jobs.folder)
        scoring = FileScoring(
            files,
            read=read_named_house,
            price=RetryingPricing(
                price_each, loop, max_wait_seconds=jobs.patience_seconds, is_cancelled=is_current_job_cancelled
            ),
            warnings_of=upstream.input_warnings.warnings_of,
            describe_error=describe_error,
            rows_per_step=jobs.rows_per_step,
            max_file_bytes=jobs.max_file_bytes,
        )
        worker = ScoringWorker(
            scoring,
            Transfer(AllowedLocations(jobs.stores), files, max_file_bytes=jobs.max_file_bytes),
            url=make_url(url),
            name=name,
            locks=locks,
            files=files,
            retention=None if jobs.retention_days is None else timedelta(days=jobs.retention_days),
            max_jobs=jobs.max_jobs,
            wait_seconds=jobs.wait_seconds,
            describe_failure=_describe_failure,
        )
        try:
            if await _start_unless_stopped(worker, stopped):
                structlog.get_logger().info("worker ready", worker=name)
        except SQLAlchemyError as error:
            structlog.get_logger().error("jobs database unavailable", error=describe_database_error(error))
            _exit(1)
        await stopped.wait()
        await asyncio.to_thread(worker.withdraw_report)
    structlog.get_logger().info("worker stopped", worker=name)
    _exit(0)


async def _start_unless_stopped(worker: ScoringWorker, stopped: asyncio.Event) -> bool:
    """Start the worker; returns False if it is told to stop first, because its database may not answer."""
    starting = asyncio.create_task(asyncio.to_thread(worker.start))
    stopping = asyncio.create_task(stopped.wait())
    await asyncio.wait((starting, stopping), return_when=asyncio.FIRST_COMPLETED)
    if not starting.done():
        return False
    stopping.cancel()
    await starting
    return True


def _exit(status: int) -> None:
    """Exit immediately, without waiting for running jobs: they resume from their last checkpoint."""
    sys.stdout.flush()
    os._exit(status)


def _describe_failure(error: HousingPriceError) -> tuple[str, str]:
    problem = problem_type_of(error)
    if isinstance(error, JobInputUnusable):
        return problem.name, str(error)
    return problem.name, problem.detail.format(**extension_members(error))
