"""Composes the prediction log. Part of the composition root (`app.py`)."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from pathlib import Path
from queue import Empty, Queue
from threading import Thread
from typing import Final

from sqlalchemy.engine import make_url

from housing_price_orchestrator.observability.metrics import Metrics
from housing_price_orchestrator.provider.access.tokens import caller_prefix_of
from housing_price_orchestrator.provider.store.database import open_database
from housing_price_orchestrator.provider.store.history import SqlPredictionHistory
from housing_price_orchestrator.provider.store.migrations.revisions import RevisionUnknown, check_revision
from housing_price_orchestrator.provider.store.prediction_log import SqlPredictionLog
from housing_price_orchestrator.provider.store.rows import SHADOW_LOG
from housing_price_orchestrator.service.history import History
from housing_price_orchestrator.service.transactions import Transactions
from housing_price_orchestrator.settings import Settings
from housing_price_orchestrator.shared.ports import PredictionLog

DRAIN_SECONDS: Final = 3.0
"""Maximum wait of the shutdown for queued rows to be written."""

REVISION_CHECK_SECONDS: Final = 3.0
"""Maximum wait of the start for the database of the log, to check its revision."""

_SECONDS_PER_DAY: Final = 86_400


def token_caller_prefix_of(settings: Settings) -> str | None:
    """Return the first part of the ids of callers with tokens of the configured issuer; None without an issuer."""
    return None if settings.jwt.issuer is None else caller_prefix_of(settings.jwt.issuer)


def check_log_revision(settings: Settings) -> None:
    """Check that this release knows the tables of the log, if its database answers in time.

    An unavailable database does not stop the start: the log opens it later.

    Raises:
        RevisionUnknown: a later release migrated the tables.
    """
    url = make_url(settings.prediction_log.url)
    is_new_file = url.get_backend_name() == "sqlite" and not Path(url.database or "").exists()
    if not settings.prediction_log.enabled or is_new_file:
        return
    found: Queue[RevisionUnknown | None] = Queue()

    def check() -> None:
        failure: RevisionUnknown | None = None
        try:
            with contextlib.ExitStack() as stack:
                engine = open_database(url, wait_seconds=1.0, statement_seconds=1.0)
                stack.callback(engine.dispose)
                check_revision(stack.enter_context(engine.begin()))
        except RevisionUnknown as error:
            failure = error
        except Exception:  # noqa: BLE001, S110 - the log opens the database again, and reports any other error
            pass
        found.put(failure)

    # A daemon thread: a driver may wait for longer for a database that does not respond.
    Thread(target=check, name="revision check", daemon=True).start()
    with contextlib.suppress(Empty):
        if (error := found.get(timeout=REVISION_CHECK_SECONDS)) is not None:
            raise error


class ComposedStore:
    """The prediction log, if it is on, and the services that use it."""

    def __init__(self, settings: Settings) -> None:
        """Compose the log from `settings`; `running` opens it."""
        log = settings.prediction_log
        self.log: SqlPredictionLog | None = None
        self._shadow_log: SqlPredictionLog | None = None
        self._is_shadow_log_open = False
        self._history: SqlPredictionHistory | None = None
        if log.enabled:
            share, days = log.sample_share, log.retention_days
            token_caller_prefix = token_caller_prefix_of(settings)
            self.log = SqlPredictionLog(
                make_url(log.url),
                max_queued_rows=log.max_queued_rows,
                retention_seconds=None if days is None else days * _SECONDS_PER_DAY,
                is_sampled=None if share == 1 else lambda: random.random() < share,  # noqa: S311 - sampling, not security
                token_caller_prefix=token_caller_prefix,
            )
            # The main log applies the retention to both tables.
            self._shadow_log = SqlPredictionLog(
                make_url(log.url),
                log_table=SHADOW_LOG,
                max_queued_rows=log.max_queued_rows,
                token_caller_prefix=token_caller_prefix,
            )
            self._history = SqlPredictionHistory(make_url(log.url), timeout_seconds=log.read_seconds)
        self.transactions = Transactions(self.log)
        self.history = History(self._history)

    def open_shadow_log(self) -> PredictionLog | None:
        """Return the log of shadow prices, opened on first use; None if the prediction log is off."""
        if self._shadow_log is not None and not self._is_shadow_log_open:
            self._shadow_log.start()
            self._is_shadow_log_open = True
        return self._shadow_log

    @contextlib.asynccontextmanager
    async def running(self, metrics: Metrics | None) -> AsyncIterator[None]:
        """Keep the log open inside this context, and register its metrics."""
        log, history = self.log, self._history
        if log is None or history is None:
            yield
            return
        if metrics is not None:
            _register_metrics(metrics, log, self._shadow_log)
        log.start()
        try:
            async with history:
                yield
        finally:
            # Both logs close at the same time, so that they share the limit.
            open_logs = [log, self._shadow_log] if self._is_shadow_log_open and self._shadow_log is not None else [log]
            await asyncio.gather(*(asyncio.to_thread(log.close, within_seconds=DRAIN_SECONDS) for log in open_logs))


def _register_metrics(metrics: Metrics, log: SqlPredictionLog, shadow_log: SqlPredictionLog | None) -> None:
    if shadow_log is not None:
        metrics.shadow_log_stored.read_from(lambda: [((), shadow_log.stored_rows)])
        metrics.shadow_log_dropped.read_from(lambda: [((), shadow_log.dropped_rows)])
        metrics.shadow_log_away.read_from(lambda: [((), shadow_log.is_unavailable)])
    metrics.prediction_log_queued.read_from(lambda: [((), log.queued_rows)])
    metrics.prediction_log_stored.read_from(lambda: [((), log.stored_rows)])
    metrics.prediction_log_dropped.read_from(lambda: [((), log.dropped_rows)])
    metrics.prediction_log_away.read_from(lambda: [((), log.is_unavailable)])
