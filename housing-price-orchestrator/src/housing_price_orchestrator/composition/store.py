"""Puts together what remembers the prices: a part of the composition root (`app.py`)."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator

from sqlalchemy.engine import make_url

from housing_price_orchestrator.observability.metrics import Metrics
from housing_price_orchestrator.provider.store.history import SqlPredictionHistory
from housing_price_orchestrator.provider.store.prediction_log import SqlPredictionLog
from housing_price_orchestrator.service.history import History
from housing_price_orchestrator.service.transactions import Transactions
from housing_price_orchestrator.settings import Settings

DRAIN_SECONDS = 3.0
"""How long the log may take to write what is queued, when the process is told to stop."""

_SECONDS_PER_DAY = 86_400


class ComposedStore:
    """The prediction log, where it is on, and the services around it."""

    def __init__(self, settings: Settings) -> None:
        """Compose it; nothing is opened before `running`."""
        log = settings.prediction_log
        self.log: SqlPredictionLog | None = None
        self._history: SqlPredictionHistory | None = None
        if log.enabled:
            share, days = log.sample_share, log.retention_days
            self.log = SqlPredictionLog(
                make_url(log.url),
                max_queued_rows=log.max_queued_rows,
                retention_seconds=None if days is None else days * _SECONDS_PER_DAY,
                is_sampled=None if share == 1 else lambda: random.random() < share,  # noqa: S311 - dice, not secrets
            )
            self._history = SqlPredictionHistory(make_url(log.url), limit_seconds=log.read_seconds)
        self.transactions = Transactions(self.log)
        self.history = History(self._history)

    @contextlib.asynccontextmanager
    async def running(self, metrics: Metrics | None) -> AsyncIterator[None]:
        """Write, and let `metrics` read how it goes, until it is left."""
        log, history = self.log, self._history
        if log is None or history is None:
            yield
            return
        if metrics is not None:
            _read_from(metrics, log)
        log.start()
        try:
            async with history:
                yield
        finally:
            await asyncio.to_thread(log.close, within_seconds=DRAIN_SECONDS)


def _read_from(metrics: Metrics, log: SqlPredictionLog) -> None:
    metrics.prediction_log_queued.read_from(lambda: [((), log.queued_rows)])
    metrics.prediction_log_stored.read_from(lambda: [((), log.stored_rows)])
    metrics.prediction_log_dropped.read_from(lambda: [((), log.dropped_rows)])
    metrics.prediction_log_away.read_from(lambda: [((), log.is_away)])
