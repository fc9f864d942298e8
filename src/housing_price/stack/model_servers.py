"""Runs the model servers of the desired state, and publishes their observed state."""

import asyncio
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Final

from housing_price.errors import StackError
from housing_price.processes.output import Output
from housing_price.processes.ports import Address, reserved_port
from housing_price.processes.supervisor import Service, Supervisor
from housing_price.stack.plan import Served
from housing_price.stack.services import model_server
from housing_price_model.errors import HousingPriceModelError, ServingFolderError
from housing_price_model.lifecycle.documents import Desired, Observed, Roles, SeenServer, Server, ServerState

POLL_SECONDS: Final = 0.25
PUBLISH_SECONDS: Final = 10.0
"""Time limit for publishing the state of a server that was just started."""
_MAX_DETAIL_CHARACTERS: Final = 500


@dataclass(frozen=True)
class _Running:
    server: Server
    address: Address
    supervisor: Supervisor
    task: asyncio.Task[None]


class ModelServers:
    """Runs one server per desired version of a model. The first uses the port of the plan, the others any free port."""

    def __init__(self, served: Served, output: Output, supervise: Callable[[Service], Supervisor]) -> None:
        self._served = served
        self._serving = served.serving
        self._output = output
        self._supervise = supervise
        self._running: dict[str, _Running] = {}
        self._ending: dict[asyncio.Task[None], Address] = {}
        self._published: Observed | None = None
        self._desired: Desired | None = None
        self._last_error = ""
        self._changed = asyncio.Condition()

    @property
    def roles(self) -> Roles:
        """The role of each version in the desired state that was read last."""
        return Roles() if self._desired is None else self._desired.roles

    async def run(self) -> None:
        """Apply the desired state until cancelled; when it returns, all servers have stopped."""
        async with asyncio.TaskGroup() as group:
            while True:
                desired = await self._read_desired()
                if desired is not None:
                    self._desired = desired
                    self._apply(desired, group)
                    async with self._changed:
                        self._changed.notify_all()
                    await self._publish_observed(desired.revision)
                await asyncio.sleep(POLL_SECONDS)

    async def wait_until_ready(self, version: str) -> None:
        """Wait until the server of a desired version is ready.

        Raises:
            StackError: It failed to start too often, or took too long.
        """
        try:
            async with asyncio.timeout(PUBLISH_SECONDS), self._changed:
                await self._changed.wait_for(lambda: version in self._running)
        except TimeoutError as error:
            raise StackError(f"version {version} is not in the desired state") from error
        await self._running[version].supervisor.wait_until_ready()

    async def wait_until_seen(self, version: str) -> None:
        """Wait until the address of a version's server is published; the server may still be starting.

        Raises:
            StackError: It cannot be published, for example because the disk is full.
        """
        try:
            async with asyncio.timeout(PUBLISH_SECONDS), self._changed:
                await self._changed.wait_for(
                    lambda: self._published is not None and self._published.server(version) is not None
                )
        except TimeoutError as error:
            raise StackError(
                f"the state of the model server of version {version} was not published within {PUBLISH_SECONDS:g} s. "
                f"Last error: {self._last_error or 'none'}"
            ) from error

    async def _read_desired(self) -> Desired | None:
        """Read the desired state. A document that is lost while the stack runs is written again from memory."""
        try:
            desired = await asyncio.to_thread(self._serving.find_desired)
            if desired is not None or self._desired is None:
                return desired
            loss = "the desired state is missing"
        except ServingFolderError as error:
            loss = f"cannot read the desired state: {error}"
            if self._desired is None:
                self._say_once(f"{loss}. No model server is started")
                return None
        try:
            if await asyncio.to_thread(self._serving.restore_desired, self._desired):
                self._output.say(f"{loss}. It was written again; model servers stay unchanged", "red")
        except HousingPriceModelError as error:
            self._say_once(f"{loss}. It cannot be written again, model servers stay unchanged: {error}")
        return None

    def _say_once(self, text: str) -> None:
        """Print an error that may occur at each poll; print it again only after another one."""
        if text != self._last_error:
            self._last_error = text
            self._output.say(text, "red")

    def _apply(self, desired: Desired, group: asyncio.TaskGroup) -> None:
        wanted = {server.version: server for server in desired.servers}
        for version, running in list(self._running.items()):
            if wanted.get(version) != running.server:
                del self._running[version]
                running.task.cancel()
                self._ending[running.task] = running.address
                self._output.say(f"{running.supervisor.service.name}: stopping, version {version} is no longer served")
        self._ending = {task: address for task, address in self._ending.items() if not task.done()}
        for version, server in wanted.items():
            if version not in self._running:
                self._start(server, group)

    def _start(self, server: Server, group: asyncio.TaskGroup) -> None:
        first, taken = self._served.address, {*self._ending.values()}
        taken |= {running.address for running in self._running.values()}
        reserved = ExitStack()
        if first in taken:
            port = reserved.enter_context(reserved_port(first.host))
            address = Address(first.host, port, first.service, first.option)
            name = f"{first.service} {server.version}"
        else:
            address, name = first, first.service
        supervisor = self._supervise(model_server(self._served, server, address, name))
        task = group.create_task(supervisor.run())
        task.add_done_callback(lambda _: reserved.close())
        self._running[server.version] = _Running(server, address, supervisor, task)

    async def _publish_observed(self, revision: int) -> None:
        observed = Observed(revision=revision, servers=tuple(map(_observe, self._running.values())))
        if observed == self._published and await asyncio.to_thread(self._serving.holds_observed, observed):
            return
        try:
            await asyncio.to_thread(self._serving.write_observed, observed)
        except HousingPriceModelError as error:
            # The next poll tries again. Until then nobody may rely on it.
            self._say_once(f"cannot publish the state of the model servers, trying again: {error}")
            return
        if self._last_error:
            self._last_error = ""
            self._output.say("the state of the model servers is published again", "green")
        async with self._changed:
            self._published = observed
            self._changed.notify_all()


def _observe(running: _Running) -> SeenServer:
    supervisor, detail = running.supervisor, ""
    state: ServerState = "starting"
    if supervisor.is_ready:
        state = "ready"
    elif supervisor.has_failed:
        state, detail = "failed", supervisor.last_output()[:_MAX_DETAIL_CHARACTERS]
    return SeenServer(version=running.server.version, address=running.address.url, state=state, detail=detail)
