"""The order in which the stack comes up. Each part starts as soon as what it needs is there."""

import asyncio
import signal
import time
from collections.abc import Callable

import httpx

from housing_price.errors import StackError
from housing_price.stack.addresses import show_addresses
from housing_price.stack.champion import Champion, find_champion, is_exported, read_exported_champion
from housing_price.stack.model_servers import ModelServers
from housing_price.stack.output import Output
from housing_price.stack.ports import require_free
from housing_price.stack.process import Process
from housing_price.stack.seeding import begin, route, seed
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
from housing_price.stack.state import EXAMPLE
from housing_price.stack.supervisor import BackOff, Service, Supervisor, describe_status
from housing_price_model.lifecycle.documents import Roles

TRAINING, EXPORT = "training", "export"
HEARTBEAT_SECONDS = 10
FIRST_PRICE_SECONDS = 60
PRICE_POLL_SECONDS = 0.25
JSON = {"content-type": "application/json"}
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stack:
    """The services of one plan, while they run."""

    def __init__(self, plan: Plan, output: Output, client: httpx.AsyncClient, back_off: BackOff) -> None:
        self._plan = plan
        self._output = output
        self._is_serving = False

        def supervise(service: Service) -> Supervisor:
            return Supervisor(service, output, client, back_off)

        self._client = client
        self._tracking = supervise(tracking_server(plan))
        self._model_servers = ModelServers(plan, output, supervise)
        self._orchestrator = supervise(orchestrator(plan))
        self._workers = [supervise(service) for service in workers(plan)]

    async def run(self) -> None:
        """Bring everything up, then keep it up until cancelled; whatever happens, nothing is left running.

        Raises:
            StackError: Something cannot be started.
        """
        began = time.monotonic()
        begin(self._plan.state)
        try:
            async with asyncio.TaskGroup() as group:
                # The orchestrator needs nobody to start, the model server nothing but an export.
                group.create_task(self._tracking.run())
                group.create_task(self._orchestrator.run())
                # Waited for from the start: settings that it refuses are told at once and not after the training.
                orchestrator_is_ready = group.create_task(self._orchestrator.wait_until_ready())
                served = await asyncio.to_thread(read_exported_champion, self._plan.state)
                if served:
                    await self._serve(served, group)
                await self._tracking.wait_until_ready()
                champion = await self._bring_export_up_to_date()
                if champion != served:
                    await self._serve(champion, group)
                await self._model_servers.wait_until_ready(champion.version)
                await orchestrator_is_ready
                price = await self._price_the_example()
                show_addresses(self._output, self._plan, time.monotonic() - began, price)
                await self._serve_on_trial()
                await self._start_workers(group)
        except* StackError as errors:
            raise errors.exceptions[0] from None

    async def _serve(self, champion: Champion, group: asyncio.TaskGroup) -> None:
        """Let this champion be served, with the versions on trial that there were."""
        desired = await asyncio.to_thread(seed, self._plan.state, champion)
        if not self._is_serving:
            group.create_task(self._model_servers.run())
            self._is_serving = True
        await self._model_servers.wait_until_seen(champion.version)
        # For now it answers alone: a canary that is not ready would look like one that fails.
        await asyncio.to_thread(route, self._plan.state, Roles(champion=desired.roles.champion))

    async def _serve_on_trial(self) -> None:
        """Give canary and shadow their part again, once they are ready."""
        roles = self._plan.state.serving.desired().roles
        for version in roles.versions():
            try:
                await self._model_servers.wait_until_ready(version)
            except StackError as error:
                self._output.say(f"version {version} stays out of service: {error}", "red")
                roles = roles.without(version)
        await asyncio.to_thread(route, self._plan.state, roles)

    async def _start_workers(self, group: asyncio.TaskGroup) -> None:
        """Start the workers, one after the other: prices are asked for already, and each start takes a processor."""
        for worker in self._workers:
            group.create_task(worker.run())
            try:
                await worker.wait_until_ready()
            except StackError as error:
                self._output.say(f"its jobs wait: {error}", "red")

    async def _bring_export_up_to_date(self) -> Champion:
        """Train if there is no champion, export it if the export is another or damaged; returns the champion."""
        state, url = self._plan.state, self._plan.tracking.url
        champion = await find_champion(self._client, url)
        if champion is None:
            self._output.say("the registry has no champion: training one, which takes about a minute")
            await self._run_to_end(TRAINING, training(self._plan))
            champion = await find_champion(self._client, url)
        if champion is None:
            raise StackError("training ended well but registered no champion")
        if not await asyncio.to_thread(is_exported, champion, state):
            self._output.say(f"exporting version {champion.version}, the champion")
            await self._run_to_end(EXPORT, export(self._plan, champion.version))
        return champion

    async def _run_to_end(self, name: str, command: tuple[str, ...]) -> None:
        began = time.monotonic()
        process = await Process.start(command, environment(), lambda text: self._output.line(name, text, "yellow"))
        heartbeat = asyncio.create_task(self._tell_time(name, began))
        try:
            status = await process.wait()
        finally:
            heartbeat.cancel()
            await process.stop()
        if status:
            raise StackError(f"the {name} failed with {describe_status(status)}: its own lines above say why")
        self._output.say(f"{name}: done after {time.monotonic() - began:.1f} s", "green")

    async def _tell_time(self, name: str, began: float) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT_SECONDS)
            self._output.say(f"{name}: at work for {time.monotonic() - began:.0f} s")

    async def _price_the_example(self) -> float:
        """Ask for a price as a user would, until it comes: only then everything works together."""
        url, house = f"{self._plan.orchestrator.url}{PREDICT_PATH}", EXAMPLE.read_bytes()
        said = "nothing"
        try:
            async with asyncio.timeout(FIRST_PRICE_SECONDS):
                while True:
                    try:
                        answer = await self._client.post(url, content=house, headers=JSON, timeout=FIRST_PRICE_SECONDS)
                        if answer.is_success:
                            return float(answer.json()["predictedPrice"])
                        said = f"{answer.status_code} {answer.text}"
                    except httpx.HTTPError as error:
                        said = repr(error)
                    await asyncio.sleep(PRICE_POLL_SECONDS)
        except TimeoutError as error:
            raise StackError(f"no price for the example house within {FIRST_PRICE_SECONDS} s: {said}") from error


async def run_until_stopped(plan: Plan, output: Output, back_off: BackOff, stop_with: int | None = None) -> None:
    """Run the stack until a signal comes.

    Args:
        plan: What to run and where.
        output: Where to say what happens.
        back_off: How long to wait before a service that died starts again.
        stop_with: A process whose end, or interruption, is to end the stack too.

    Raises:
        StackError: The stack cannot run.
    """
    require_free(plan.addresses)
    loop = asyncio.get_running_loop()
    async with httpx.AsyncClient(trust_env=False) as client:
        stack = asyncio.create_task(Stack(plan, output, client, back_off).run())
        is_stopping = asyncio.Event()

        def stop(reason: str) -> None:
            # Once only: a second Ctrl-C must not cancel the clean-up that the first began.
            if not is_stopping.is_set():
                is_stopping.set()
                output.say(f"{reason}: ending everything")
                stack.cancel()

        for number in STOP_SIGNALS:
            loop.add_signal_handler(number, stop, number.name)
        watch = asyncio.create_task(_stop_with(stop_with, stop)) if stop_with else None
        try:
            await stack
        except asyncio.CancelledError:
            output.say("everything has ended")
        finally:
            if watch:
                watch.cancel()
            for number in STOP_SIGNALS:
                loop.remove_signal_handler(number)
                # All children are gone; an impatient Ctrl-C must not turn the end into a traceback.
                signal.signal(number, signal.SIG_IGN)


async def _stop_with(pid: int, stop: Callable[[str], None]) -> None:
    await wait_for_end_of(pid)
    stop(f"process {pid}, which started this, has ended")
