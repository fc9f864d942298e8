"""Opens what prices houses: a part of the composition root (`app.py`)."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack

from housing_price_orchestrator.composition.telemetry import ComposedTelemetry
from housing_price_orchestrator.observability.metrics import Metrics
from housing_price_orchestrator.provider.model_server.columns import Row, row_of, write_row
from housing_price_orchestrator.provider.routes_file import RoutesFile
from housing_price_orchestrator.service.readiness import Readiness
from housing_price_orchestrator.service.resilience.price_memory import PriceMemory
from housing_price_orchestrator.service.routing.variant_statistics import VariantRecords
from housing_price_orchestrator.settings import Settings
from housing_price_orchestrator.shared.ports import Variant
from housing_price_orchestrator.shared.view.routes import Routes
from housing_price_orchestrator.upstream.served_version import open_served, run_until_closed
from housing_price_orchestrator.upstream.swap import Upstream


async def open_routes(settings: Settings) -> RoutesFile | None:
    """Read the file of routes; None where there is none to be followed."""
    path = settings.model_server.routes_file
    return None if path is None else await asyncio.to_thread(RoutesFile, path)


async def open_upstream(
    settings: Settings,
    stack: AsyncExitStack,
    telemetry: ComposedTelemetry,
    file: RoutesFile | None = None,
    *,
    with_canary: bool = True,
) -> Upstream:
    """Open what is long-lived, following `file`, and have `stack` close it; `telemetry` watches it.

    Without `with_canary` the champion answers for all houses, whatever the routes say.
    """
    given = None if file is None else file.routes
    routes = given or Routes.to(*settings.model_server.base_url)
    readiness: Readiness | None = None

    def model_now() -> str | None:
        # Where the cache answers all, only readiness sees that the model has been swapped.
        return None if readiness is None or readiness.identity is None else readiness.identity.id

    memories = _memories(settings, model_now)
    records = VariantRecords(telemetry.metrics or Metrics())
    champion = await open_served(
        settings,
        telemetry,
        routes.champion,
        memory=memories.get("champion"),
        record=records.of("champion", routes.champion),
    )
    upstream = Upstream(settings, telemetry, routes, champion, memories=memories, records=records)
    stack.push_async_callback(upstream.aclose)
    readiness = upstream.readiness
    run_until_closed(readiness.keep_asking(), stack)

    async def follow(routes: Routes) -> None:
        await upstream.follow(routes if with_canary else routes.model_copy(update={"canary": None}))

    if file is not None:
        if given is not None:
            await follow(given)
        run_until_closed(file.keep_reading(follow), stack)
    if telemetry.metrics is not None:
        upstream.served.tell(telemetry.metrics)
    return upstream


def _memories(settings: Settings, model_now: Callable[[], str | None]) -> dict[Variant, PriceMemory[Row]]:
    """Give what remembers the champion's prices, where that is on.

    A canary has none: what it cannot answer is the champion's, and memories would hide how it does.
    """
    fallback = settings.fallback
    if fallback.cache_seconds is None and fallback.last_known_seconds is None:
        return {}
    memory = PriceMemory(max_houses=fallback.max_houses, key_of=row_of, write_key=write_row, model_now=model_now)
    return {"champion": memory}
