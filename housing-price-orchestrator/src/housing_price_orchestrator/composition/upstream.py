"""What prices houses, put together for `app`: the served models of the routes, exchanged while requests go on."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack

import structlog

from housing_price_orchestrator.composition.served import ServedModel, ended, open_served, run_until_closed
from housing_price_orchestrator.composition.served_models import ServedModels
from housing_price_orchestrator.composition.telemetry import ComposedTelemetry
from housing_price_orchestrator.provider.resilience.coalescing import CoalescingPriceModel
from housing_price_orchestrator.provider.resilience.price_memory import PriceMemory
from housing_price_orchestrator.provider.routing.routes_file import RoutesFile
from housing_price_orchestrator.service.pricing import Pricing
from housing_price_orchestrator.service.readiness import Readiness
from housing_price_orchestrator.settings import Settings
from housing_price_orchestrator.shared.errors import HousingPriceError
from housing_price_orchestrator.shared.ports import ModelIdentity, Variant
from housing_price_orchestrator.shared.view.example import EXAMPLE_HOUSE
from housing_price_orchestrator.shared.view.routes import UNKNOWN, Route, Routes

SECONDS_BETWEEN_TRIES = 0.25
"""The pause before model servers that are to take over, and do not answer yet, are asked again."""


class Upstream:
    """Keeps what serves the routes open, and what `pricing` and `readiness` ask the right one.

    A served model gets requests when it has answered one of ours; the one that it takes over from is closed when its
    last request has ended. So no request fails because the routes change.
    """

    def __init__(
        self,
        settings: Settings,
        telemetry: ComposedTelemetry,
        routes: Routes,
        champion: ServedModel,
        memories: Mapping[Variant, PriceMemory],
    ) -> None:
        """Begin with `champion`, which serves the champion of `routes`."""
        self._settings = settings
        self._telemetry = telemetry
        self._memories = memories
        self._champion = champion
        self.served = ServedModels()
        self.served.open.append(champion)
        self.routes = routes
        """Those that are in use."""
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
        await self.served.close_all()

    async def _follow(self, routes: Routes) -> None:
        try:
            champion = self._champion
            identity = None
            if not champion.serves(routes.champion, "champion"):
                champion, identity = await self._open_champion(routes.champion)
            self._install(routes, champion, identity)
        except Exception as error:  # noqa: BLE001 - a defect must not leave the service without an answer
            self._log.error("the routes stay as they were: a defect", revision=routes.revision, exc_info=error)

    async def _open_champion(self, route: Route) -> tuple[ServedModel, ModelIdentity | None]:
        """Open what is to take over, and wait until it answers, or until there is nothing left to be lost."""
        served = await self._open(route, "champion")
        try:
            return served, await self._first_answer(served, is_worth_waiting=lambda: self.readiness.is_ready)
        except BaseException:
            await self.served.close(served)
            raise

    async def _open(self, route: Route, variant: Variant) -> ServedModel:
        served = await open_served(self._settings, self._telemetry, route, variant, memory=self._memories.get(variant))
        self.served.open.append(served)
        return served

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

    def _install(self, routes: Routes, champion: ServedModel, identity: ModelIdentity | None) -> None:
        """Send every request from now on where the routes say, and let go of what serves them no more."""
        before = self._champion
        self._champion = champion
        self.routes = routes
        if champion is not before:
            around = self._telemetry.around_prices
            self.pricing.ask(around(champion.priced), patient_model=around(champion.priced_patiently))
            self.readiness.ask_another(champion.probe, identity)
            self._retire(before)
        self._log.info("routes in use", revision=routes.revision, champion=routes.champion.version)

    def _retire(self, served: ServedModel) -> None:
        async def retire() -> None:
            await served.drained()
            await self.served.close(served)

        task = asyncio.create_task(retire())
        self._retiring.add(task)
        task.add_done_callback(self._retiring.discard)


async def open_upstream(settings: Settings, stack: AsyncExitStack, telemetry: ComposedTelemetry) -> Upstream:
    """Open what is long-lived and have `stack` close it; `telemetry` watches it."""
    path = settings.model_server.routes_file
    file = None if path is None else await asyncio.to_thread(RoutesFile, path)
    given = None if file is None else file.routes
    routes = given or Routes.to(*settings.model_server.base_url)
    readiness: Readiness | None = None

    def model_now() -> str | None:
        # Where the cache answers all, only readiness sees that the model has been swapped.
        return None if readiness is None or readiness.identity is None else readiness.identity.id

    memories = _memories(settings, model_now)
    champion = await open_served(settings, telemetry, routes.champion, memory=memories.get("champion"))
    upstream = Upstream(settings, telemetry, routes, champion, memories)
    stack.push_async_callback(upstream.aclose)
    readiness = upstream.readiness
    run_until_closed(readiness.keep_asking(), stack)
    if file is not None:
        run_until_closed(file.keep_reading(upstream.follow), stack)
    if telemetry.metrics is not None:
        upstream.served.tell(telemetry.metrics)
    return upstream


def _memories(settings: Settings, model_now: Callable[[], str | None]) -> dict[Variant, PriceMemory]:
    """Give what remembers the prices of each part, so that none answers with those of another; none where it is off."""
    fallback = settings.fallback
    if fallback.cache_seconds is None and fallback.last_known_seconds is None:
        return {}
    return {
        "champion": PriceMemory(max_houses=fallback.max_houses, model_now=model_now),
        "canary": PriceMemory(max_houses=fallback.max_houses),
    }
