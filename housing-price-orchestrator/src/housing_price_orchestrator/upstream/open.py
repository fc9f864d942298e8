"""Opens the upstream: model servers of the price model, routes and probe. Part of the composition root (`app.py`)."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack

from housing_price_orchestrator.composition.tasks import run_until_closed
from housing_price_orchestrator.composition.telemetry import ComposedTelemetry
from housing_price_orchestrator.observability.metrics import Metrics
from housing_price_orchestrator.provider.model_server.columns import Row, row_of, write_row
from housing_price_orchestrator.provider.routes_file import RoutesFile
from housing_price_orchestrator.service.input_warnings import InputWarnings
from housing_price_orchestrator.service.readiness import ModelProbe
from housing_price_orchestrator.service.resilience.price_memory import PriceMemory
from housing_price_orchestrator.service.routing.variant_statistics import StatisticsByVariant
from housing_price_orchestrator.settings import Settings
from housing_price_orchestrator.shared.ports import PriceEstimate, Variant
from housing_price_orchestrator.shared.view.record import AnyHouse
from housing_price_orchestrator.shared.view.routes import Routes
from housing_price_orchestrator.upstream.served_version import open_served_version
from housing_price_orchestrator.upstream.swap import Upstream


async def open_routes(settings: Settings) -> RoutesFile | None:
    """Read the routes file; None if none is configured."""
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
    """Open the upstream and start its background tasks; `stack` closes both.

    Args:
        settings: addresses, limits and timeouts.
        stack: closes the upstream when it exits.
        telemetry: observes prices and calls.
        file: the routes file to follow; None to use the configured addresses only.
        with_canary: whether to follow canary routes; otherwise the champion prices every house.
    """
    initial = None if file is None else file.routes
    routes = initial or Routes.to(*settings.model_server.base_url)
    probe: ModelProbe[AnyHouse, PriceEstimate] | None = None

    def model_now() -> str | None:
        # While the cache answers every request, only the readiness probe sees that the model was swapped.
        return None if probe is None or probe.identity is None else probe.identity.id

    memories, input_warnings = _memories(settings, model_now), InputWarnings(row_of)
    statistics = StatisticsByVariant(telemetry.metrics or Metrics())
    champion = await open_served_version(
        settings,
        telemetry,
        routes.champion,
        input_warnings=input_warnings,
        memory=memories.get("champion"),
        statistics=statistics.of("champion", routes.champion),
    )
    upstream = Upstream(
        settings,
        telemetry,
        routes,
        champion,
        memories=memories,
        statistics=statistics,
        input_warnings=input_warnings,
    )
    stack.push_async_callback(upstream.aclose)
    probe = upstream.probe
    run_until_closed(probe.run(), stack)

    async def follow(routes: Routes) -> None:
        await upstream.follow(routes if with_canary else routes.model_copy(update={"canary": None}))

    if file is not None:
        if initial is not None:
            await follow(initial)
        run_until_closed(file.watch(follow), stack)
    if telemetry.metrics is not None:
        upstream.served_models.register_metrics(telemetry.metrics)
    return upstream


def _memories(settings: Settings, model_now: Callable[[], str | None]) -> dict[Variant, PriceMemory[Row]]:
    """Create the champion's price memory, if the cache or the last known price is enabled.

    A canary has no memory: the champion prices its failed houses, and a memory would hide the canary's failures.
    """
    fallback = settings.fallback
    if fallback.cache_seconds is None and fallback.last_known_seconds is None:
        return {}
    memory = PriceMemory(max_houses=fallback.max_houses, key_of=row_of, write_key=write_row, model_now=model_now)
    return {"champion": memory}
