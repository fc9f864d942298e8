"""The comparables model: optional, a second served model with routes of its own. Part of the composition root."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Final

import structlog

from housing_price_orchestrator.composition.tasks import run_until_closed
from housing_price_orchestrator.composition.telemetry import ComposedTelemetry
from housing_price_orchestrator.provider.model_server.mlflow_comparables_model import MLflowComparablesModel, params_of
from housing_price_orchestrator.provider.routes_file import RoutesFile
from housing_price_orchestrator.service.readiness import ModelProbe
from housing_price_orchestrator.service.resilience.deadline import DeadlineModel
from housing_price_orchestrator.settings import Settings
from housing_price_orchestrator.shared.ports import Comparables, ComparablesQuestion
from housing_price_orchestrator.shared.tasks import cancel_and_wait
from housing_price_orchestrator.shared.view.example import EXAMPLE_HOUSE
from housing_price_orchestrator.shared.view.routes import Route, Routes
from housing_price_orchestrator.upstream.first_answer import wait_for_first_answer
from housing_price_orchestrator.upstream.served_model import ModelDefinition, ServedModel, open_served_model
from housing_price_orchestrator.upstream.served_models import ServedModels
from housing_price_orchestrator.upstream.served_version import IDLE_POLL_SECONDS

MODEL_NAME: Final = "housing-comparables"
"""Model name in responses if the comparables server does not report one."""

PROBE_QUESTION: Final = ComparablesQuestion(EXAMPLE_HOUSE)
"""The question of health probes."""


@dataclass(frozen=True, slots=True)
class _Version:
    """The servers of one route."""

    route: Route
    served: ServedModel[ComparablesQuestion, Comparables]
    online: DeadlineModel[ComparablesQuestion, Comparables]
    """For requests: refuses what would miss its deadline."""


class ComparablesUpstream:
    """A `ComparablesModel`: asks the champion of the routes.

    A new champion gets requests after it has answered a probe. The one that it replaces closes when its last request
    has ended. No request fails because the routes change.
    """

    def __init__(
        self,
        current: _Version,
        open_version: Callable[[Route], Awaitable[_Version]],
        served_models: ServedModels,
        settings: Settings,
    ) -> None:
        """Start with `current`; open others with `open_version`; `served_models` counts the calls of all."""
        self._current = current
        self._open_version = open_version
        self._served_models = served_models
        served_models.open.append(current.served)
        self.probe: ModelProbe[ComparablesQuestion, Comparables] = ModelProbe(
            "comparables", current.served.probe, PROBE_QUESTION, **settings.readiness.probe_limits
        )
        self._applying: asyncio.Task[None] | None = None
        self._retiring: set[asyncio.Task[None]] = set()
        self._log = structlog.get_logger()

    @property
    def addresses(self) -> Sequence[str]:
        """The model servers in use, without credentials."""
        return [client.address for client in self._current.served.clients]

    async def answer(self, questions: Sequence[ComparablesQuestion], /) -> Sequence[Comparables]:
        """See `Model.answer`."""
        return await self._current.online.answer(questions)

    async def follow(self, routes: Routes) -> None:
        """Start to apply routes in the background; cancels a change that is still waiting."""
        if self._applying is not None:
            await cancel_and_wait(self._applying)
        self._applying = asyncio.create_task(self._apply(routes))

    async def aclose(self) -> None:
        """Stop the background tasks. `served_models` closes the versions."""
        for task in (self._applying, *self._retiring):
            if task is not None:
                await cancel_and_wait(task)

    async def _apply(self, routes: Routes) -> None:
        route = routes.champion
        if self._current.route.has_same_servers(route):
            return
        try:
            version = await self._open_version(route)
            self._served_models.open.append(version.served)
            try:
                # Wait while the old champion works: a new one that does not answer would stop the comparables.
                identity = await wait_for_first_answer(
                    version.served.probe,
                    PROBE_QUESTION,
                    route,
                    "comparables",
                    should_wait=lambda: self.probe.is_answering,
                )
            except BaseException:
                await self._served_models.close(version.served)
                raise
        except Exception as error:  # noqa: BLE001 - a bug here must not take the service down
            self._log.error("comparables routes not applied: unexpected error", exc_info=error)
            return
        before, self._current = self._current, version
        self.probe.use_model(version.served.probe, identity)
        self._retire(before)
        self._log.info("comparables routes in use", revision=routes.revision, champion=route.version)

    def _retire(self, version: _Version) -> None:
        async def retire() -> None:
            # The deadline bounds the wait.
            while version.online.in_flight:  # noqa: ASYNC110 - an event would cost every request
                await asyncio.sleep(IDLE_POLL_SECONDS)
            await self._served_models.close(version.served)

        task = asyncio.create_task(retire())
        self._retiring.add(task)
        task.add_done_callback(self._retiring.discard)


async def open_comparables(
    settings: Settings, stack: AsyncExitStack, telemetry: ComposedTelemetry, served_models: ServedModels
) -> ComparablesUpstream | None:
    """Open the comparables model and start its background tasks. None if no address is configured.

    Args:
        settings: addresses, limits and timeouts.
        stack: stops the background tasks when it exits.
        telemetry: observes calls.
        served_models: counts the calls, and closes the model.
    """
    group = settings.comparables
    if not group.base_url:
        return None
    definition = ModelDefinition(
        kind="comparables",
        adapter=MLflowComparablesModel,
        model_name=MODEL_NAME,
        probe_question=PROBE_QUESTION,
        deadline_seconds=min(group.deadline_seconds, settings.requests.deadline_seconds),
        max_calls=group.max_calls,
        max_rows_per_call=group.max_rows_per_call,
        group_of=params_of,
    )

    async def open_version(route: Route) -> _Version:
        served = await open_served_model(settings, telemetry, definition, list(map(str, route.addresses)))
        return _Version(route, served, DeadlineModel(served.admitted, seconds=definition.deadline_seconds))

    file = None if group.routes_file is None else await asyncio.to_thread(RoutesFile, group.routes_file)
    routes = None if file is None else file.routes
    current = await open_version((routes or Routes.to(*group.base_url)).champion)
    upstream = ComparablesUpstream(current, open_version, served_models, settings)
    stack.push_async_callback(upstream.aclose)
    run_until_closed(upstream.probe.run(), stack)
    if file is not None:
        run_until_closed(file.watch(upstream.follow), stack)
    return upstream
