"""What prices houses, put together for `app`: the served models of the routes, exchanged while requests go on."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime

import structlog

from housing_price_orchestrator.composition.telemetry import ComposedTelemetry
from housing_price_orchestrator.provider.model_server.columns import Row
from housing_price_orchestrator.service.pricing import Pricing
from housing_price_orchestrator.service.readiness import Readiness
from housing_price_orchestrator.service.resilience.coalescing import CoalescingPriceModel
from housing_price_orchestrator.service.resilience.price_memory import PriceMemory
from housing_price_orchestrator.service.routing.canary_watch import CanaryTrouble
from housing_price_orchestrator.service.routing.variant_statistics import VariantRecords
from housing_price_orchestrator.settings import Settings
from housing_price_orchestrator.shared.errors import HousingPriceError
from housing_price_orchestrator.shared.ports import ModelIdentity, Variant
from housing_price_orchestrator.shared.routing import StoppedCanary
from housing_price_orchestrator.shared.view.example import EXAMPLE_HOUSE
from housing_price_orchestrator.shared.view.routes import UNKNOWN, CanaryRoute, Route, Routes
from housing_price_orchestrator.upstream.served_pair import ServedPair
from housing_price_orchestrator.upstream.served_version import ServedModel, ended, open_served
from housing_price_orchestrator.upstream.served_versions import ServedModels

SECONDS_BETWEEN_TRIES = 0.25
"""The pause before model servers that are to take over, and do not answer yet, are asked again."""


class Upstream:
    """Keeps what serves the routes open, and has `pricing` and `readiness` ask the right one.

    A served model gets requests when it has answered one of ours; the one that it takes over from is closed when its
    last request has ended. So no request fails because the routes change.
    """

    def __init__(
        self,
        settings: Settings,
        telemetry: ComposedTelemetry,
        routes: Routes,
        champion: ServedModel,
        *,
        memories: Mapping[Variant, PriceMemory[Row]],
        records: VariantRecords,
    ) -> None:
        """Begin with `champion`, which serves the champion of `routes`."""
        self._settings = settings
        self._telemetry = telemetry
        self._memories = memories
        self.records = records
        """What was seen of each version in each part."""
        self._champion = champion
        self._canary: ServedModel | None = None
        self._pair: ServedPair | None = None
        self.served = ServedModels()
        self.served.open.append(champion)
        self.routes = routes
        """Those that are in use."""
        self.stopped: StoppedCanary | None = None
        """The canary of these routes, where it was stopped here."""
        self.on_stop: Callable[[StoppedCanary], None] = lambda _: None
        """Told of each canary that is stopped."""
        deadline_seconds, probe = settings.requests.deadline_seconds, settings.readiness
        self.pricing = Pricing(
            telemetry.around_prices(champion.priced),
            patient_model=telemetry.around_prices(champion.priced_patiently),
            deadline_seconds=deadline_seconds,
        )
        self.readiness = Readiness(
            champion.probe,
            EXAMPLE_HOUSE,
            interval_seconds=probe.probe_interval_seconds,
            max_age_seconds=2 * (probe.probe_interval_seconds + probe.probe_timeout_seconds),
        )
        self.wanted = routes
        """The latest, which may still be waited for."""
        self.followers: list[Callable[[Routes], Awaitable[None]]] = []
        """Who else is told of each change, at once."""
        self._following: asyncio.Task[None] | None = None
        self._retiring: set[asyncio.Task[None]] = set()
        self._log = structlog.get_logger()

    @property
    def coalesced(self) -> CoalescingPriceModel:
        """What knows what waits for the champion."""
        return self._champion.coalesced

    @property
    def canary_weight(self) -> float:
        """The share of the houses that a canary answers for now."""
        return 0.0 if self._pair is None or self.routes.canary is None else self.routes.canary.weight

    @property
    def canary_deviation(self) -> float | None:
        """How far the canary's prices are from the champion's, at the median; None where nothing was compared."""
        return None if self._pair is None else self._pair.watch.median_deviation

    async def follow(self, routes: Routes) -> None:
        """Begin to follow routes; earlier ones that were still to be followed are given up."""
        self.wanted = routes
        for tell in self.followers:
            await tell(routes)
        if self._following is not None:
            await ended(self._following)
        self._following = asyncio.create_task(self._follow(routes))

    async def aclose(self) -> None:
        """Close everything."""
        for task in (self._following, *self._retiring):
            if task is not None:
                await ended(task)
        if self._pair is not None:
            await self._pair.aclose()
        await self.served.close_all()

    async def _follow(self, routes: Routes) -> None:
        try:
            champion, identity = self._champion, None
            if not champion.serves(routes.champion, "champion"):
                # Where the new one never answers and the old one does, there is something to be lost.
                champion, identity = await self._opened(
                    routes.champion, "champion", is_worth_waiting=lambda: self.readiness.is_ready
                )
            route, canary = routes.canary, self._canary
            if self.stopped is not None and self.stopped.revision == routes.revision:
                route = None
            if route is None or canary is None or not canary.serves(route, "canary"):
                canary = None
            self._install(routes, champion, canary, identity)
            if route is not None and canary is None:
                # Until it answers, the champion answers for its houses.
                canary, _ = await self._opened(route, "canary", is_worth_waiting=lambda: True)
                self._install(routes, champion, canary)
        except Exception as error:  # noqa: BLE001 - a defect must not leave the service without an answer
            self._log.error("the routes stay as they were: a defect", revision=routes.revision, exc_info=error)

    async def _opened(
        self, route: Route, variant: Variant, *, is_worth_waiting: Callable[[], bool]
    ) -> tuple[ServedModel, ModelIdentity | None]:
        """Open what serves a route, and wait until it answers, or until that is not worth waiting for any more."""
        served = await open_served(
            self._settings,
            self._telemetry,
            route,
            variant,
            memory=self._memories.get(variant),
            record=self.records.of(variant, route),
        )
        self.served.open.append(served)
        try:
            return served, await self._first_answer(served, is_worth_waiting=is_worth_waiting)
        except BaseException:
            await self.served.close(served)
            raise

    async def _first_answer(self, served: ServedModel, *, is_worth_waiting: Callable[[], bool]) -> ModelIdentity | None:
        """Ask for a price, which opens the first connection, until there is one; gives the model that made it."""
        complaint = None
        while True:
            try:
                (estimate,) = await served.probe.price((EXAMPLE_HOUSE,))
            except HousingPriceError as error:
                reason = f"{type(error).__name__}: {error}"
            else:
                if served.route.model_id in (UNKNOWN, estimate.model.id):
                    return estimate.model
                reason = f"it is model {estimate.model.id}"
            if complaint is None:
                complaint = reason
                self._log.warning(
                    "waiting for a model server", variant=served.variant, version=served.route.version, error=reason
                )
            if not is_worth_waiting():
                return None
            await asyncio.sleep(SECONDS_BETWEEN_TRIES)

    def _install(
        self,
        routes: Routes,
        champion: ServedModel,
        canary: ServedModel | None,
        identity: ModelIdentity | None = None,
    ) -> None:
        """Send every request from now on where the routes say, and let go of what serves them no more."""
        champion_before, canary_before, pair_before = self._champion, self._canary, self._pair
        self._champion, self._canary = champion, canary
        self._pair = None if canary is None or routes.canary is None else self._paired(champion, canary, routes.canary)
        self.routes = routes
        if self.stopped is not None and self.stopped.revision != routes.revision:
            self.stopped = None
        entry = self._pair or champion
        if entry is not (pair_before or champion_before):
            around = self._telemetry.around_prices
            self.pricing.ask(around(entry.priced), patient_model=around(entry.priced_patiently))
        if champion is not champion_before:
            self.readiness.ask_another(champion.probe, identity)
        gone = [one for one in (champion_before, canary_before) if one is not None and one not in (champion, canary)]
        if gone or pair_before is not None:
            self._retire(pair_before, gone)
        self._log.info(
            "routes in use",
            revision=routes.revision,
            champion=routes.champion.version,
            canary=None if canary is None else canary.route.version,
        )

    def _paired(self, champion: ServedModel, canary: ServedModel, route: CanaryRoute) -> ServedPair:
        return ServedPair(
            champion,
            canary,
            route,
            deadline_seconds=self._settings.requests.deadline_seconds,
            deviations=self.records.deviations_of(route),
            stop=lambda trouble: self._stop(route, trouble),
        )

    def _stop(self, route: CanaryRoute, trouble: CanaryTrouble) -> None:
        """Have the champion answer for all, at once, because the canary is in trouble."""
        self.stopped = StoppedCanary(
            route.version, route.model_id, self.routes.revision, str(trouble), datetime.now(UTC)
        )
        self.records.is_stopped(route, trouble.failing)
        self._log.error(
            "canary stopped", version=route.version, revision=self.routes.revision, reason=self.stopped.reason
        )
        self._install(self.routes, self._champion, None)
        self.on_stop(self.stopped)

    def _retire(self, pair: ServedPair | None, gone: Sequence[ServedModel]) -> None:
        earlier = tuple(self._retiring)

        async def retire() -> None:
            if earlier:
                # What went before may still need what goes now.
                await asyncio.wait(earlier)
            if pair is not None:
                await pair.drained()
                await pair.aclose()
            for served in gone:
                await served.drained()
                await self.served.close(served)

        task = asyncio.create_task(retire())
        self._retiring.add(task)
        task.add_done_callback(self._retiring.discard)
