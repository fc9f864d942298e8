"""Puts one of the models into service: exports its champion, starts its servers and writes its routes."""

import asyncio
from collections.abc import Callable
from typing import Final

import httpx

from housing_price.errors import StackError
from housing_price.processes.output import Output
from housing_price.processes.run_to_end import run_to_end
from housing_price.processes.supervisor import Service, Supervisor
from housing_price.stack.champion import Champion, find_champion, is_exported, read_exported_champion
from housing_price.stack.model_servers import ModelServers
from housing_price.stack.plan import Plan
from housing_price.stack.seeding import has_routes, reset_routes, write_desired_state, write_routes
from housing_price.stack.services import environment, export
from housing_price_model.lifecycle.documents import Roles
from housing_price_platform.orders.moves import ServedModel

EXPORT: Final = "export"


class ModelService:
    """The champion of one model in service, with the canary and the shadow of the previous run if it has them."""

    def __init__(
        self,
        plan: Plan,
        model: ServedModel,
        output: Output,
        client: httpx.AsyncClient,
        supervise: Callable[[Service], Supervisor],
    ) -> None:
        self.champion: Champion | None = None
        """The version that is served."""
        self._plan = plan
        self._served = plan.served(model)
        self._serving = self._served.serving
        self._output = output
        self._client = client
        self._servers = ModelServers(self._served, output, supervise)
        self._runs = False

    def reset_routes(self) -> None:
        """Remove the routes of the previous run, whose servers no longer exist.

        Raises:
            StackError: The folder cannot be written.
        """
        if damage := reset_routes(self._serving):
            self._output.say(f"{damage}. It was written again from the last routes", "red")

    async def serve_exported(self, group: asyncio.TaskGroup) -> None:
        """Serve the champion if its export is complete: no other service has to run for that."""
        champion = await asyncio.to_thread(read_exported_champion, self._plan.state, self._served.model)
        if champion is not None:
            await self._serve(champion, group)

    async def serve_registered(self, group: asyncio.TaskGroup) -> Champion | None:
        """Serve the champion of the registry, and export it first if the export is missing, outdated or damaged.

        Returns:
            The champion; None if the registry has none.

        Raises:
            StackError: The registry is unreachable, or the version cannot be exported or served.
        """
        champion = await find_champion(self._client, self._plan.tracking.url, self._served.name)
        if champion is None:
            return None
        if not await asyncio.to_thread(is_exported, champion, self._serving):
            of_model = "" if self._served.model is ServedModel.PRICE else f" of the {self._served.model} model"
            self._output.say(f"exporting version {champion.version}{of_model}, the champion")
            command = export(self._plan, self._served, champion.version)
            await run_to_end(EXPORT, command, environment(), self._output)
        if champion != self.champion:
            await self._serve(champion, group)
        return champion

    def run_servers(self, group: asyncio.TaskGroup) -> None:
        """Run the servers of the desired state, also of one that is written later."""
        if not self._runs:
            group.create_task(self._servers.run())
            self._runs = True

    async def wait_until_ready(self, version: str) -> None:
        """Wait until the server of a version is ready.

        Raises:
            StackError: It failed to start too often, or took too long.
        """
        await self._servers.wait_until_ready(version)

    async def restore_canary_and_shadow(self) -> None:
        """Route to the canary and the shadow again, once they are ready."""
        roles = self._servers.roles
        for version in roles.versions():
            try:
                await self._servers.wait_until_ready(version)
            except StackError as error:
                self._output.say(f"version {version} stays out of service: {error}", "red")
                roles = roles.without(version)
        try:
            await asyncio.to_thread(write_routes, self._serving, roles)
        except StackError as error:
            self._output.say(f"canary and shadow stay out of service: {error}", "red")

    async def _serve(self, champion: Champion, group: asyncio.TaskGroup) -> None:
        """Serve this champion, and the canary and shadow of the previous run."""
        desired = await asyncio.to_thread(write_desired_state, self._serving, champion)
        self.champion = champion
        self.run_servers(group)
        try:
            await self._servers.wait_until_seen(champion.version)
            # Route to the champion only: a canary that is still starting would count as failing.
            await asyncio.to_thread(write_routes, self._serving, Roles(champion=desired.roles.champion))
        except StackError as error:
            if has_routes(self._serving):
                raise
            # The API then uses its configured address, that of the first model server.
            self._output.say(f"no routes, only the champion is served; restart later: {error}", "red")
