"""Reads the figures of the job queues for the metrics. Part of the composition root (`app.py`)."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Final

import structlog

from housing_price_orchestrator.observability.instruments import Labels
from housing_price_orchestrator.observability.metrics import Metrics
from housing_price_orchestrator.shared.jobs import JobKind, QueueFigures
from housing_price_orchestrator.shared.ports import JobQueue

READ_SECONDS: Final = 10.0
"""Interval between queries; Prometheus scrapes every 15 s."""

type _Series = Iterable[tuple[Labels, float]]


class JobMetrics:
    """The latest figures of the queues. A scrape never waits for the jobs database."""

    def __init__(self, queue: JobQueue, metrics: Metrics) -> None:
        """Show the figures of `queue` in `metrics`."""
        self._queue = queue
        self._figures: Mapping[JobKind, QueueFigures] = {}
        self._is_away = False
        self._log = structlog.get_logger()
        metrics.jobs.read_from(self._jobs)
        metrics.jobs_oldest_queued_seconds.read_from(
            lambda: [((kind,), one.oldest_waiting_seconds) for kind, one in self._figures.items()]
        )
        metrics.jobs_failed_last_hour.read_from(
            lambda: [((kind,), one.failed_last_hour) for kind, one in self._figures.items()]
        )
        metrics.job_workers.read_from(self._workers)
        metrics.jobs_database_away.read_from(lambda: [((), self._is_away)])

    async def keep_reading(self) -> None:
        """Read the figures periodically until cancelled."""
        while True:
            await self.read()
            await asyncio.sleep(READ_SECONDS)

    async def read(self) -> None:
        """Read the figures once. Without an answer there are none, and the queue counts as away."""
        try:
            self._figures = await self._queue.figures()
        except Exception as error:  # noqa: BLE001 - whatever the fault, the next query may succeed
            if not self._is_away:
                self._log.warning(
                    "jobs database unavailable, its figures are missing", error=f"{type(error).__name__}: {error}"
                )
            self._figures, self._is_away = {}, True
        else:
            if self._is_away:
                self._log.info("jobs database available again")
            self._is_away = False

    def _jobs(self) -> _Series:
        for kind, one in self._figures.items():
            yield (kind, "queued"), one.waiting
            yield (kind, "running"), one.running

    def _workers(self) -> _Series:
        for kind, one in self._figures.items():
            if one.running_workers is not None and one.stopped_workers is not None:
                yield (kind, "running"), one.running_workers
                yield (kind, "stopped"), one.stopped_workers
