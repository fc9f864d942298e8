"""Opens and closes the shadow as the routes change. Part of the composition root (`app.py`)."""

import contextlib
from collections.abc import AsyncIterator
from typing import Final

import structlog

from housing_price_orchestrator.composition.store import ComposedStore
from housing_price_orchestrator.composition.tasks import run_until_closed
from housing_price_orchestrator.observability.metrics import Metrics
from housing_price_orchestrator.provider.model_server.mlflow_client import client_for
from housing_price_orchestrator.provider.model_server.mlflow_price_model import MLflowPriceModel
from housing_price_orchestrator.service.resilience.deadline import DeadlineModel
from housing_price_orchestrator.service.routing.shadow import QueuedShadow
from housing_price_orchestrator.service.routing.variant_statistics import StatisticsByVariant, VariantStatistics
from housing_price_orchestrator.settings import Settings
from housing_price_orchestrator.shared.ports import PriceModel
from housing_price_orchestrator.shared.view.routes import Routes, ShadowRoute
from housing_price_orchestrator.upstream.swap import Upstream

DEADLINE_SECONDS: Final = 5.0
"""Time limit of a call to a shadow, with up to 100 rows. No caller waits for it."""


class ComposedShadow:
    """The shadow in the current routes. It shares no connection and no queue with the models that answer."""

    def __init__(self, settings: Settings, store: ComposedStore, metrics: Metrics | None) -> None:
        """Copy the transactions of `store`; connections open when the routes name a shadow."""
        self._settings = settings
        self._store = store
        self._metrics = metrics or Metrics()
        self._statistics = StatisticsByVariant(self._metrics)
        self._route: ShadowRoute | None = None
        self._shadow: QueuedShadow | None = None
        self._stack = contextlib.AsyncExitStack()
        self._log = structlog.get_logger()
        self._metrics.shadow_queued.read_from(lambda: [((), 0 if self._shadow is None else self._shadow.queued_rows)])

    @contextlib.asynccontextmanager
    async def following(self, upstream: Upstream) -> AsyncIterator[None]:
        """Follow the routes of `upstream` inside this context."""
        self._statistics = upstream.statistics
        upstream.followers.append(self.follow)
        try:
            await self.follow(upstream.target_routes)
            yield
        finally:
            upstream.followers.remove(self.follow)
            await self._close()

    async def follow(self, routes: Routes) -> None:
        """Copy to the shadow of `routes` from now on; to none if they have no shadow."""
        route = routes.shadow
        if route == self._route:
            return
        try:
            await self._close()
            self._route = route
            if route is not None:
                self._open(route)
        except Exception as error:  # noqa: BLE001 - a shadow must not stop the routes from being followed
            self._log.error("shadow routes not applied: unexpected error", exc_info=error)
            return
        self._log.info(
            "shadow routes in use", revision=routes.revision, version=None if route is None else route.version
        )

    def _open(self, route: ShadowRoute) -> None:
        self._stack = contextlib.AsyncExitStack()
        self._shadow = QueuedShadow(
            [self._model_at(str(address), self._statistics.of("shadow", route)) for address in route.addresses],
            sample=route.sample,
            metrics=self._metrics,
            log=self._store.open_shadow_log(),
        )
        run_until_closed(self._shadow.run(), self._stack)
        self._store.transactions.shadow = self._shadow

    def _model_at(self, address: str, statistics: VariantStatistics) -> PriceModel:
        upstream = self._settings.model_server
        client = client_for(
            address,
            timeout_seconds=DEADLINE_SECONDS,
            connect_timeout_seconds=upstream.connect_timeout_seconds,
            connections=1,
        )
        self._stack.push_async_exit(client)
        model = MLflowPriceModel(client, model_name=upstream.model_name, variant="shadow")
        return DeadlineModel(model, seconds=DEADLINE_SECONDS, statistics=statistics)

    async def _close(self) -> None:
        self._store.transactions.shadow = None
        self._shadow = self._route = None
        await self._stack.aclose()
