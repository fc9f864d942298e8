"""Runs the model servers that the desired state asks for, and says what it sees of them."""

import asyncio
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Final

from housing_price.stack.output import Output
from housing_price.stack.ports import Address, reserved_port
from housing_price.stack.services import MODEL_SERVER, Plan, model_server
from housing_price.stack.supervisor import Service, Supervisor
from housing_price_model.errors import HousingPriceModelError, ServingFolderError
from housing_price_model.lifecycle.documents import Desired, Observed, SeenServer, Server, ServerState

LOOK_SECONDS: Final = 0.1
_MOST_DETAIL: Final = 500


@dataclass(frozen=True)
class _Running:
    server: Server
    address: Address
    supervisor: Supervisor
    task: asyncio.Task[None]


class ModelServers:
    """One model server for each version that is to be served; the first one has the port of the plan."""

    def __init__(self, plan: Plan, output: Output, supervise: Callable[[Service], Supervisor]) -> None:
        self._plan = plan
        self._serving = plan.state.serving
        self._output = output
        self._supervise = supervise
        self._running: dict[str, _Running] = {}
        self._ending: dict[asyncio.Task[None], Address] = {}
        self._told: Observed | None = None
        self._complaint = ""
        self._changed = asyncio.Condition()

    async def run(self) -> None:
        """Follow the desired state until cancelled; then all servers have ended."""
        async with asyncio.TaskGroup() as group:
            while True:
                desired = await self._read()
                if desired is not None:
                    self._follow(desired, group)
                    await self._tell(desired.revision)
                await asyncio.sleep(LOOK_SECONDS)

    async def wait_until_ready(self, version: str) -> None:
        """Wait until a version that is to be served is ready.

        Raises:
            StackError: It died too often or took too long.
        """
        await self.wait_until_seen(version)
        await self._running[version].supervisor.wait_until_ready()

    async def wait_until_seen(self, version: str) -> None:
        """Wait until it is known where a version is served; it need not be ready."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._told is not None and self._told.server(version) is not None)

    async def _read(self) -> Desired | None:
        try:
            return await asyncio.to_thread(self._serving.desired)
        except ServingFolderError as error:
            if str(error) != self._complaint:
                self._complaint = str(error)
                self._output.say(f"model servers stay as they are: {error}", "red")
            return None

    def _follow(self, desired: Desired, group: asyncio.TaskGroup) -> None:
        wanted = {server.version: server for server in desired.servers}
        for version, running in list(self._running.items()):
            if wanted.get(version) != running.server:
                del self._running[version]
                running.task.cancel()
                self._ending[running.task] = running.address
                self._output.say(f"{running.supervisor.service.name}: version {version} is not served any more")
        self._ending = {task: address for task, address in self._ending.items() if not task.done()}
        for version, server in wanted.items():
            if version not in self._running:
                self._start(server, group)

    def _start(self, server: Server, group: asyncio.TaskGroup) -> None:
        first, taken = self._plan.model_server, {*self._ending.values()}
        taken |= {running.address for running in self._running.values()}
        reserved = ExitStack()
        if first in taken:
            port = reserved.enter_context(reserved_port(first.host))
            address = Address(first.host, port, first.wanted_by, first.option)
            name = f"model-server {server.version}"
        else:
            address, name = first, MODEL_SERVER
        supervisor = self._supervise(model_server(self._plan, server, address, name))
        task = group.create_task(supervisor.run())
        task.add_done_callback(lambda _: reserved.close())
        self._running[server.version] = _Running(server, address, supervisor, task)

    async def _tell(self, revision: int) -> None:
        seen = Observed(revision=revision, servers=tuple(map(_seen, self._running.values())))
        if seen == self._told:
            return
        try:
            await asyncio.to_thread(self._serving.write_observed, seen)
        except HousingPriceModelError as error:
            self._output.say(f"what is served cannot be told: {error}", "red")
        async with self._changed:
            self._told = seen
            self._changed.notify_all()


def _seen(running: _Running) -> SeenServer:
    supervisor, detail = running.supervisor, ""
    state: ServerState = "starting"
    if supervisor.is_ready:
        state = "ready"
    elif supervisor.has_failed:
        state, detail = "failed", supervisor.said()[:_MOST_DETAIL]
    return SeenServer(version=running.server.version, address=running.address.url, state=state, detail=detail)
