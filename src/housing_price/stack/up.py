"""Starts the stack in order: each service starts as soon as its dependencies are available."""

import asyncio
import signal
import ssl
import time
from collections.abc import Callable
from typing import Final

import httpx

from housing_price.errors import ConfigurationError, StackError
from housing_price.processes.earlier_stack import wait_for_earlier_stack
from housing_price.processes.output import Output
from housing_price.processes.process import Process
from housing_price.processes.supervisor import BackOff, Service, Supervisor, describe_status
from housing_price.stack.addresses import show_addresses
from housing_price.stack.api_url import is_open, public_url, url_for_checks
from housing_price.stack.champion import (
    Champion,
    find_champion,
    find_registry_damage,
    is_exported,
    read_exported_champion,
)
from housing_price.stack.model_servers import ModelServers
from housing_price.stack.seeding import has_routes, reset_routes, write_desired_state, write_routes
from housing_price.stack.services import (
    PREDICT_PATH,
    Plan,
    environment,
    export,
    orchestrator,
    tracking_server,
    training,
    workers,
)
from housing_price.stack.starter import wait_for_end_of
from housing_price.stack.state import EXAMPLE, describe_damage
from housing_price_model.lifecycle.documents import Roles

TRAINING, EXPORT = "training", "export"
HEARTBEAT_SECONDS: Final = 10
READY_SECONDS: Final = 60
READY_POLL_SECONDS: Final = 0.25
JSON: Final = {"content-type": "application/json"}
STOP_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stack:
    """The running services of one plan."""

    def __init__(self, plan: Plan, output: Output, client: httpx.AsyncClient, back_off: BackOff) -> None:
        self._plan = plan
        self._output = output
        self._is_serving = False
        self._registry_damage: str | None = None
        self._has_registry = True

        def supervise(service: Service) -> Supervisor:
            return Supervisor(service, output, client, back_off)

        self._client = client
        self._tracking = supervise(tracking_server(plan))
        self._model_servers = ModelServers(plan, output, supervise)
        self._orchestrator = supervise(orchestrator(plan))
        self._workers = [supervise(service) for service in workers(plan)]

    async def run(self) -> None:
        """Start all services and run them until cancelled. No process is left running when it returns or raises.

        Raises:
            StackError: A service cannot be started.
        """
        started = time.monotonic()
        if damage := reset_routes(self._plan.state):
            self._output.say(f"{damage}. It was written again from the last routes", "red")
        self._registry_damage = find_registry_damage(self._plan.state)
        for damage in describe_damage(self._plan.state, self._registry_damage):
            self._output.say(damage, "red")
        try:
            async with asyncio.TaskGroup() as group:
                # The orchestrator starts without the other services, the model server needs only an export.
                group.create_task(self._tracking.run())
                group.create_task(self._orchestrator.run())
                # Awaited from the start, so that a bad setting is reported before the training.
                orchestrator_is_ready = group.create_task(self._orchestrator.wait_until_ready())
                already_served = await asyncio.to_thread(read_exported_champion, self._plan.state)
                if already_served:
                    await self._serve(already_served, group)
                champion = await self._champion_of_registry(already_served)
                if champion != already_served:
                    await self._serve(champion, group)
                await self._model_servers.wait_until_ready(champion.version)
                await orchestrator_is_ready
                await self._wait_until_it_prices()
                price = await self._price_the_example()
                seconds = time.monotonic() - started
                self._output.say(f"the API prices houses after {seconds:.1f} s: starting the workers")
                await self._restore_canary_and_shadow()
                missing = await self._start_workers(group)
                seconds = time.monotonic() - started
                show_addresses(
                    self._output,
                    self._plan,
                    seconds,
                    price,
                    version=champion.version,
                    missing=missing,
                    has_registry=self._has_registry,
                )
        except* StackError as errors:
            raise errors.exceptions[0] from None

    async def _serve(self, champion: Champion, group: asyncio.TaskGroup) -> None:
        """Serve this champion, and the canary and shadow of the previous run."""
        desired = await asyncio.to_thread(write_desired_state, self._plan.state, champion)
        if not self._is_serving:
            group.create_task(self._model_servers.run())
            self._is_serving = True
        try:
            await self._model_servers.wait_until_seen(champion.version)
            # Route to the champion only: a canary that is still starting would count as failing.
            await asyncio.to_thread(write_routes, self._plan.state, Roles(champion=desired.roles.champion))
        except StackError as error:
            if has_routes(self._plan.state):
                raise
            # The API then uses its configured address, that of the first model server.
            self._output.say(f"no routes, only the champion is served; restart later: {error}", "red")

    async def _restore_canary_and_shadow(self) -> None:
        """Route to the canary and the shadow again, once they are ready."""
        roles = self._model_servers.roles
        for version in roles.versions():
            try:
                await self._model_servers.wait_until_ready(version)
            except StackError as error:
                self._output.say(f"version {version} stays out of service: {error}", "red")
                roles = roles.without(version)
        try:
            await asyncio.to_thread(write_routes, self._plan.state, roles)
        except StackError as error:
            self._output.say(f"canary and shadow stay out of service: {error}", "red")

    async def _start_workers(self, group: asyncio.TaskGroup) -> list[str]:
        """Start the workers one by one: requests are already served, and each start uses a whole processor.

        Returns:
            The names of the workers that did not start.
        """
        missing = []
        for worker in self._workers:
            group.create_task(worker.run())
            try:
                await worker.wait_until_ready()
            except ConfigurationError:
                raise
            except StackError as error:
                self._output.say(f"jobs of this worker stay queued: {error}", "red")
                missing.append(worker.service.name)
        return missing

    async def _champion_of_registry(self, already_served: Champion | None) -> Champion:
        """Wait for the registry, and return its champion with a complete export.

        Without a usable registry, it is the exported version that is served already.
        """
        try:
            await self._tracking.wait_until_ready()
            if already_served is None or self._registry_damage is None:
                return await self._update_export()
        except StackError as error:
            if already_served is None:
                raise
            self._output.say(f"serving version {already_served.version} without the registry: {error}", "red")
        self._has_registry = False
        return already_served

    async def _update_export(self) -> Champion:
        """Train if there is no champion, export it if the export is missing, outdated or damaged; return it."""
        state, url = self._plan.state, self._plan.tracking.url
        champion = await find_champion(self._client, url)
        if champion is None:
            self._output.say("the registry has no champion: training a model (about one minute)")
            await self._run_to_end(TRAINING, training(self._plan))
            champion = await find_champion(self._client, url)
        if champion is None:
            raise StackError("the training succeeded but registered no champion")
        if not await asyncio.to_thread(is_exported, champion, state):
            self._output.say(f"exporting version {champion.version}, the champion")
            await self._run_to_end(EXPORT, export(self._plan, champion.version))
        return champion

    async def _run_to_end(self, name: str, command: tuple[str, ...]) -> None:
        started = time.monotonic()
        process = await Process.start(command, environment(), lambda text: self._output.line(name, text, "yellow"))
        heartbeat = asyncio.create_task(self._report_progress(name, started))
        try:
            status = await process.wait()
        finally:
            heartbeat.cancel()
            await process.stop()
        if status:
            raise StackError(f"the {name} failed with {describe_status(status)}: see its output above")
        self._output.say(f"{name}: done after {time.monotonic() - started:.1f} s", "green")

    async def _report_progress(self, name: str, started: float) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT_SECONDS)
            self._output.say(f"{name}: still running after {time.monotonic() - started:.0f} s")

    async def _wait_until_it_prices(self) -> None:
        """Wait for `/readyz`: the API has then received a prediction from the model server.

        No key is needed, and every host is served there.
        """
        url, last_answer = f"{url_for_checks(self._plan.orchestrator)}/readyz", "none"
        try:
            async with asyncio.timeout(READY_SECONDS):
                while True:
                    try:
                        answer = await self._client.get(url, timeout=READY_SECONDS)
                        if answer.is_success:
                            return
                        last_answer = f"{answer.status_code} {answer.text}"
                    except httpx.HTTPError as error:
                        last_answer = repr(error)
                    await asyncio.sleep(READY_POLL_SECONDS)
        except TimeoutError as error:
            raise StackError(f"the API was not ready within {READY_SECONDS} s. Last answer: {last_answer}") from error

    async def _price_the_example(self) -> float | None:
        """Return the price of the example house, to be printed; None if the API gives no price without a key."""
        if not is_open():
            return None
        url = f"{public_url(self._plan.orchestrator)}{PREDICT_PATH}"
        try:
            answer = await self._client.post(url, content=EXAMPLE.read_bytes(), headers=JSON, timeout=READY_SECONDS)
            return float(answer.raise_for_status().json()["predictedPrice"])
        except (httpx.HTTPError, ValueError, KeyError, TypeError):
            return None


async def run_until_stopped(plan: Plan, output: Output, back_off: BackOff, stop_with: int | None = None) -> None:
    """Run the stack until a signal comes.

    Args:
        plan: The services and their addresses.
        output: Where to print log lines.
        back_off: Delay before a service is restarted.
        stop_with: Id of a process; the stack stops when it ends or is interrupted.

    Raises:
        StackError: The stack cannot run.
    """
    await wait_for_earlier_stack(plan.addresses, output)
    loop = asyncio.get_running_loop()
    async with httpx.AsyncClient(trust_env=False, verify=_own_services()) as client:
        stack = asyncio.create_task(Stack(plan, output, client, back_off).run())
        is_stopping = asyncio.Event()

        def stop(reason: str) -> None:
            # Once only: a second Ctrl-C must not cancel the clean-up that the first started.
            if not is_stopping.is_set():
                is_stopping.set()
                output.say(f"{reason}: stopping all services")
                stack.cancel()

        for number in STOP_SIGNALS:
            loop.add_signal_handler(number, stop, number.name)
        watch = asyncio.create_task(_stop_with(stop_with, stop)) if stop_with else None
        try:
            await stack
        except asyncio.CancelledError:
            output.say("all services have stopped")
        finally:
            if watch:
                watch.cancel()
            for number in STOP_SIGNALS:
                loop.remove_signal_handler(number)
                # All children have ended. Another Ctrl-C must not cause a traceback.
                signal.signal(number, signal.SIG_IGN)


def _own_services() -> ssl.SSLContext:
    """Accept any certificate: the checks call only services of this stack, and send them no secrets.

    The certificate names the public host, not the address at which the checks find the API.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


async def _stop_with(pid: int, stop: Callable[[str], None]) -> None:
    await wait_for_end_of(pid)
    stop(f"process {pid} (--stop-with) has ended")
