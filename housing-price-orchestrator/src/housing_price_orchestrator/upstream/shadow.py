"""Follows the routes with a shadow, where they have one: a part of the composition root (`app.py`)."""

import contextlib
from collections.abc import AsyncIterator

import structlog

from housing_price_orchestrator.composition.store import ComposedStore
from housing_price_orchestrator.observability.metrics import Metrics
from housing_price_orchestrator.provider.model_server.mlflow_client import client_for
from housing_price_orchestrator.provider.model_server.mlflow_price_model import MLflowPriceModel
from housing_price_orchestrator.service.resilience.deadline import DeadlinePriceModel
from housing_price_orchestrator.service.routing.shadow import Shadowing
from housing_price_orchestrator.service.routing.variant_statistics import VariantRecord, VariantRecords
from housing_price_orchestrator.settings import Settings
from housing_price_orchestrator.shared.ports import PriceModel
from housing_price_orchestrator.shared.view.routes import Routes, ShadowRoute
from housing_price_orchestrator.upstream.served_version import run_until_closed
from housing_price_orchestrator.upstream.swap import Upstream

DEADLINE_SECONDS = 5.0
"""So long a call to a shadow may take, with a hundred rows; nobody waits for it."""


class ComposedShadow:
    """The shadow of the routes: opened and closed as they change, and sharing nothing with what answers."""

    def __init__(self, settings: Settings, store: ComposedStore, metrics: Metrics | None) -> None:
        """Copy what `store` gives transaction ids to; nothing is opened before the routes have a shadow."""
        self._settings = settings
        self._store = store
        self._metrics = metrics or Metrics()
        self._records = VariantRecords(self._metrics)
        self._route: ShadowRoute | None = None
        self._asking: Shadowing | None = None
        self._opened = contextlib.AsyncExitStack()
        self._log = structlog.get_logger()
        self._metrics.shadow_queued.read_from(lambda: [((), 0 if self._asking is None else self._asking.queued_rows)])

    @contextlib.asynccontextmanager
    async def following(self, upstream: Upstream) -> AsyncIterator[None]:
        """Have the shadow of the routes that `upstream` follows, until it is left."""
        self._records = upstream.records
        upstream.followers.append(self.follow)
        try:
            await self.follow(upstream.wanted)
            yield
        finally:
            upstream.followers.remove(self.follow)
            await self._close()

    async def follow(self, routes: Routes) -> None:
        """Copy to the shadow of these routes from now on, or to none."""
        route = routes.shadow
        if route == self._route:
            return
        try:
            await self._close()
            self._route = route
            if route is not None:
                self._open(route)
        except Exception as error:  # noqa: BLE001 - whoever follows the routes must not fail over a shadow
            self._log.error("the shadow does not follow the routes: a defect", exc_info=error)
            return
        self._log.info("shadow", revision=routes.revision, version=None if route is None else route.version)

    def _open(self, route: ShadowRoute) -> None:
        self._opened = contextlib.AsyncExitStack()
        self._asking = Shadowing(
            [self._model_at(str(address), self._records.of("shadow", route)) for address in route.addresses],
            sample=route.sample,
            metrics=self._metrics,
            log=self._store.shadows(),
        )
        run_until_closed(self._asking.keep_pricing(), self._opened)
        self._store.transactions.shadow = self._asking

    def _model_at(self, address: str, record: VariantRecord) -> PriceModel:
        upstream = self._settings.model_server
        client = client_for(
            address,
            timeout_seconds=DEADLINE_SECONDS,
            connect_timeout_seconds=upstream.connect_timeout_seconds,
            connections=1,
        )
        self._opened.push_async_exit(client)
        model = MLflowPriceModel(client, model_name=upstream.model_name, variant="shadow")
        return DeadlinePriceModel(model, seconds=DEADLINE_SECONDS, record=record)

    async def _close(self) -> None:
        self._store.transactions.shadow = None
        self._asking = self._route = None
        await self._opened.aclose()
