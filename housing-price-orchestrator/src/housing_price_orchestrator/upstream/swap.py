"""Opens, swaps and closes the versions that the routes name, without interrupting requests.

Part of the composition root.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime

import structlog

from housing_price_orchestrator.composition.telemetry import ComposedTelemetry
from housing_price_orchestrator.provider.model_server.columns import Row
from housing_price_orchestrator.service.input_warnings import InputWarnings
from housing_price_orchestrator.service.pricing import Pricing
from housing_price_orchestrator.service.readiness import ModelProbe
from housing_price_orchestrator.service.resilience.coalescing import CoalescingModel
from housing_price_orchestrator.service.resilience.price_memory import PriceMemory
from housing_price_orchestrator.service.routing.canary_watch import ExceededLimit
from housing_price_orchestrator.service.routing.variant_statistics import StatisticsByVariant
from housing_price_orchestrator.settings import Settings
from housing_price_orchestrator.shared.ports import ModelIdentity, PriceEstimate, Variant
from housing_price_orchestrator.shared.routing import StoppedCanary
from housing_price_orchestrator.shared.tasks import cancel_and_wait
from housing_price_orchestrator.shared.view.example import EXAMPLE_HOUSE
from housing_price_orchestrator.shared.view.record import AnyHouse
from housing_price_orchestrator.shared.view.routes import CanaryRoute, Route, Routes
from housing_price_orchestrator.upstream.first_answer import wait_for_first_answer
from housing_price_orchestrator.upstream.served_models import ServedModels
from housing_price_orchestrator.upstream.served_pair import ServedPair
from housing_price_orchestrator.upstream.served_version import ServedVersion, open_served_version


class Upstream:
    """Opens the versions that the routes name, and points `pricing` and `probe` at them.

    A version gets requests after it has answered a probe. The version that it replaces closes when its last request has
    ended. No request fails because the routes change.
    """

    def __init__(
        self,
        settings: Settings,
        telemetry: ComposedTelemetry,
        routes: Routes,
        champion: ServedVersion,
        *,
        memories: Mapping[Variant, PriceMemory[Row]],
        statistics: StatisticsByVariant,
        input_warnings: InputWarnings,
    ) -> None:
        """Start with `champion`, the open version for the champion of `routes`."""
        self._settings = settings
        self._telemetry = telemetry
        self._memories = memories
        self.statistics = statistics
        """Request counts and durations of each version, as champion, canary or shadow."""
        self.input_warnings = input_warnings
        """The ranges of the models in service."""
        self._champion = champion
        self._canary: ServedVersion | None = None
        self._pair: ServedPair | None = None
        self.served_models = ServedModels()
        """The served models of the open versions, and others that the application opens."""
        self.served_models.open.append(champion.served)
        self.routes = routes
        """Routes in use."""
        self.stopped: StoppedCanary | None = None
        """The canary of the current routes, if this process stopped it."""
        self.on_canary_stopped: Callable[[StoppedCanary], None] = lambda _: None
        """Called with each canary that is stopped."""
        self.pricing = Pricing(
            telemetry.wrap_prices(champion.online),
            bulk_model=telemetry.wrap_prices(champion.bulk),
            deadline_seconds=settings.requests.deadline_seconds,
        )
        self.probe: ModelProbe[AnyHouse, PriceEstimate] = ModelProbe(
            "price", champion.probe, EXAMPLE_HOUSE, **settings.readiness.probe_limits
        )
        self.target_routes = routes
        """Latest routes. They come into use when their model servers answer."""
        self.followers: list[Callable[[Routes], Awaitable[None]]] = []
        """Callbacks that run on each change of the routes, before the wait for a model server."""
        self._applying: asyncio.Task[None] | None = None
        self._retiring: set[asyncio.Task[None]] = set()
        self._log = structlog.get_logger()

    @property
    def coalescing(self) -> CoalescingModel[AnyHouse, PriceEstimate]:
        """The coalescing queue of the champion."""
        return self._champion.served.coalescing

    @property
    def canary_weight(self) -> float:
        """Share of houses that the canary prices now; 0 without a canary."""
        return 0.0 if self._pair is None or self.routes.canary is None else self.routes.canary.weight

    @property
    def canary_deviation(self) -> float | None:
        """Median deviation of the canary's prices from the champion's; None before the first comparison."""
        return None if self._pair is None else self._pair.watch.median_deviation

    async def follow(self, routes: Routes) -> None:
        """Start to apply routes in the background; cancels a change that is still waiting."""
        self.target_routes = routes
        for notify in self.followers:
            await notify(routes)
        if self._applying is not None:
            await cancel_and_wait(self._applying)
        self._applying = asyncio.create_task(self._apply(routes))

    async def aclose(self) -> None:
        """Stop the background tasks and close every version."""
        for task in (self._applying, *self._retiring):
            if task is not None:
                await cancel_and_wait(task)
        if self._pair is not None:
            await self._pair.aclose()
        await self.served_models.close_all()

    async def _apply(self, routes: Routes) -> None:
        try:
            champion, identity = self._champion, None
            if not champion.serves(routes.champion, "champion"):
                # Wait while the old champion works: a new one that does not answer would stop the service.
                champion, identity = await self._open_and_wait(
                    routes.champion, "champion", should_wait=lambda: self.probe.is_answering
                )
            route, canary = routes.canary, self._canary
            if self.stopped is not None and self.stopped.revision == routes.revision:
                route = None
            if route is None or canary is None or not canary.serves(route, "canary"):
                canary = None
            self._install(routes, champion, canary, identity)
            if route is not None and canary is None:
                # Until the canary answers, the champion prices the canary's houses.
                canary, _ = await self._open_and_wait(route, "canary", should_wait=lambda: True)
                self._install(routes, champion, canary)
        except Exception as error:  # noqa: BLE001 - a bug here must not take the service down
            self._log.error("routes not applied: unexpected error", revision=routes.revision, exc_info=error)

    async def _open_and_wait(
        self, route: Route, variant: Variant, *, should_wait: Callable[[], bool]
    ) -> tuple[ServedVersion, ModelIdentity | None]:
        """Open a version and wait for its first answer, for as long as `should_wait` returns True."""
        version = await open_served_version(
            self._settings,
            self._telemetry,
            route,
            variant,
            input_warnings=self.input_warnings,
            memory=self._memories.get(variant),
            statistics=self.statistics.of(variant, route),
        )
        self.served_models.open.append(version.served)
        try:
            return version, await wait_for_first_answer(
                version.probe, EXAMPLE_HOUSE, route, variant, should_wait=should_wait
            )
        except BaseException:
            await self.served_models.close(version.served)
            raise

    def _install(
        self,
        routes: Routes,
        champion: ServedVersion,
        canary: ServedVersion | None,
        identity: ModelIdentity | None = None,
    ) -> None:
        """Send every new request to these versions, and retire those that are no longer routed to."""
        champion_before, canary_before, pair_before = self._champion, self._canary, self._pair
        self._champion, self._canary = champion, canary
        self._pair = None if canary is None or routes.canary is None else self._pair_up(champion, canary, routes.canary)
        self.routes = routes
        if self.stopped is not None and self.stopped.revision != routes.revision:
            self.stopped = None
        routed = self._pair or champion
        if routed is not (pair_before or champion_before):
            wrap = self._telemetry.wrap_prices
            self.pricing.use_models(wrap(routed.online), bulk_model=wrap(routed.bulk))
        if champion is not champion_before:
            self.probe.use_model(champion.probe, identity)
        previous = (champion_before, canary_before)
        retired = [version for version in previous if version is not None and version not in (champion, canary)]
        if retired or pair_before is not None:
            self._retire(pair_before, retired)
        self._log.info(
            "routes in use",
            revision=routes.revision,
            champion=routes.champion.version,
            canary=None if canary is None else canary.route.version,
        )

    def _pair_up(self, champion: ServedVersion, canary: ServedVersion, route: CanaryRoute) -> ServedPair:
        return ServedPair(
            champion,
            canary,
            route,
            deadline_seconds=self._settings.requests.deadline_seconds,
            deviations=self.statistics.deviations_of(route),
            stop=lambda exceeded: self._stop_canary(route, exceeded),
        )

    def _stop_canary(self, route: CanaryRoute, exceeded: ExceededLimit) -> None:
        """Send all houses to the champion at once, because the canary exceeded a limit."""
        self.stopped = StoppedCanary(
            route.version, route.model_id, self.routes.revision, str(exceeded), datetime.now(UTC)
        )
        self.statistics.record_stop(route, exceeded.name)
        self._log.error(
            "canary stopped", version=route.version, revision=self.routes.revision, reason=self.stopped.reason
        )
        self._install(self.routes, self._champion, None)
        self.on_canary_stopped(self.stopped)

    def _retire(self, pair: ServedPair | None, versions: Sequence[ServedVersion]) -> None:
        earlier = tuple(self._retiring)

        async def retire() -> None:
            if earlier:
                # An earlier pair may still use the versions that are retired now.
                await asyncio.wait(earlier)
            if pair is not None:
                await pair.wait_until_idle()
                await pair.aclose()
            for version in versions:
                await version.wait_until_idle()
                await self.served_models.close(version.served)

        task = asyncio.create_task(retire())
        self._retiring.add(task)
        task.add_done_callback(self._retiring.discard)
