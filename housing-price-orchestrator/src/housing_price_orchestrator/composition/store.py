"""Puts together what remembers the prices: a part of the composition root (`app.py`)."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator

from sqlalchemy.engine import make_url

from housing_price_orchestrator.observability.metrics import Metrics
from housing_price_orchestrator.provider.store.history import SqlPredictionHistory
from housing_price_orchestrator.provider.store.prediction_log import SqlPredictionLog
from housing_price_orchestrator.provider.store.rows import SHADOW_LOG
from housing_price_orchestrator.service.history import History
from housing_price_orchestrator.service.transactions import Transactions
from housing_price_orchestrator.settings import Settings
from housing_price_orchestrator.shared.ports import PredictionLog

DRAIN_SECONDS = 3.0
"""How long the log may take to write what is queued, when the process is told to stop."""

_SECONDS_PER_DAY = 86_400


class ComposedStore:
    """The prediction log, where it is on, and the services around it."""

    def __init__(self, settings: Settings) -> None:
        """Compose it; nothing is opened before `running`."""
        log = settings.prediction_log
        self.log: SqlPredictionLog | None = None
        self._shadows: SqlPredictionLog | None = None
        self._shadows_are_written = False
        self._history: SqlPredictionHistory | None = None
        if log.enabled:
            share, days = log.sample_share, log.retention_days
            self.log = SqlPredictionLog(
                make_url(log.url),
                max_queued_rows=log.max_queued_rows,
                retention_seconds=None if days is None else days * _SECONDS_PER_DAY,
                is_sampled=None if share == 1 else lambda: random.random() < share,  # noqa: S311 - dice, not secrets
            )
            # The log of the answers deletes what is too old, of both.
            self._shadows = SqlPredictionLog(
                make_url(log.url), log_table=SHADOW_LOG, max_queued_rows=log.max_queued_rows
            )
            self._history = SqlPredictionHistory(make_url(log.url), timeout_seconds=log.read_seconds)
        self.transactions = Transactions(self.log)
        self.history = History(self._history)

    def shadows(self) -> PredictionLog | None:
        """Give the log of what a shadow says, which is opened when it is first wanted; None where nothing is logged."""
        if self._shadows is not None and not self._shadows_are_written:
            self._shadows.start()
            self._shadows_are_written = True
        return self._shadows

    @contextlib.asynccontextmanager
    async def running(self, metrics: Metrics | None) -> AsyncIterator[None]:
        """Write, and let `metrics` read how it goes, until it is left."""
        log, history = self.log, self._history
        if log is None or history is None:
            yield
            return
        if metrics is not None:
            _read_from(metrics, log, self._shadows)
        log.start()
        try:
            async with history:
                yield
        finally:
            # Both have the same time.
            closing = [log, self._shadows] if self._shadows_are_written and self._shadows is not None else [log]
            await asyncio.gather(*(asyncio.to_thread(one.close, within_seconds=DRAIN_SECONDS) for one in closing))


def _read_from(metrics: Metrics, log: SqlPredictionLog, shadows: SqlPredictionLog | None) -> None:
    if shadows is not None:
        metrics.shadow_log_stored.read_from(lambda: [((), shadows.stored_rows)])
        metrics.shadow_log_dropped.read_from(lambda: [((), shadows.dropped_rows)])
    metrics.prediction_log_queued.read_from(lambda: [((), log.queued_rows)])
    metrics.prediction_log_stored.read_from(lambda: [((), log.stored_rows)])
    metrics.prediction_log_dropped.read_from(lambda: [((), log.dropped_rows)])
    metrics.prediction_log_away.read_from(lambda: [((), log.is_unavailable)])
