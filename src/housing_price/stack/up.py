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
from housing_price.processes.run_to_end import run_to_end
from housing_price.processes.supervisor import BackOff, Service, Supervisor
from housing_price.stack.addresses import show_addresses
from housing_price.stack.api_checks import price_example, wait_until_api_prices
from housing_price.stack.champion import Champion, find_champion, find_registry_damage
from housing_price.stack.model_service import ModelService
from housing_price.stack.plan import Plan
from housing_price.stack.services import (
    COMPARABLES_SERVER,
    environment,
    orchestrator,
    tracking_server,
    training,
    workers,
)
from housing_price.stack.starter import wait_for_end_of
from housing_price.stack.state import describe_damage
from housing_price_platform.orders.moves import ServedModel

TRAINING: Final = "training"
NO_COMPARABLES: Final = (
    "the registry has no comparables model, so valuations have no comparable sales. Train one with "
    "`housing-price-model train --tracking-uri {tracking}` (and --data FILE, if the champion was trained on your own "
    "file), then restart, or run `housing-price models promote 1 --model comparables`"
)
STOP_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stack:
    """The running services of one plan."""

    def __init__(self, plan: Plan, output: Output, client: httpx.AsyncClient, back_off: BackOff) -> None:
        self._plan = plan
        self._output = output
        self._registry_damage: str | None = None
        self._has_registry = True

        def supervise(service: Service) -> Supervisor:
            return Supervisor(service, output, client, back_off)

        self._client = client
        self._tracking = supervise(tracking_server(plan))
        self._price, self._comparables = (
            ModelService(plan, model, output, client, supervise)
            for model in (ServedModel.PRICE, ServedModel.COMPARABLES)
        )
        self._orchestrator = supervise(orchestrator(plan))
        self._workers = [supervise(service) for service in workers(plan)]

    async def run(self) -> None:
        """Start all services and run them until cancelled. No process is left running when it returns or raises.

        Raises:
            StackError: A service cannot be started.
        """
        started = time.monotonic()
        self._price.reset_routes()
        can_serve_comparables = self._reset_comparables()
        self._registry_damage = find_registry_damage(self._plan.state)
        for damage in describe_damage(self._plan.state, self._registry_damage):
            self._output.say(damage, "red")
        try:
            async with asyncio.TaskGroup() as group:
                # The orchestrator starts without the other services, a model server needs only an export.
                group.create_task(self._tracking.run())
                group.create_task(self._orchestrator.run())
                # Awaited from the start, so that a bad setting is reported before the training.
                orchestrator_is_ready = group.create_task(self._orchestrator.wait_until_ready())
                await self._price.serve_exported(group)
                can_serve_comparables = can_serve_comparables and await self._serve_exported_comparables(group)
                await self._fill_registry()
                # Side by side with the price's, which does not wait for it.
                comparables_are_served = group.create_task(
                    self._start_comparables(group, can_serve=can_serve_comparables)
                )
                champion = await self._serve_registered_price(group)
                await self._price.wait_until_ready(champion.version)
                await orchestrator_is_ready
                await wait_until_api_prices(self._client, self._plan.orchestrator)
                price = await price_example(self._client, self._plan.orchestrator)
                seconds = time.monotonic() - started
                self._output.say(f"the API prices houses after {seconds:.1f} s: starting the workers")
                await self._price.restore_canary_and_shadow()
                missing = await self._start_workers(group)
                if not await comparables_are_served:
                    missing.append(COMPARABLES_SERVER)
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
        except* StackError as failures:
            raise failures.exceptions[0] from None

    async def _fill_registry(self) -> None:
        """Wait for the registry, and train if it has no champion.

        Without a usable registry, exported models are served.
        """
        served = self._price.champion
        try:
            await self._tracking.wait_until_ready()
            if served is not None and self._registry_damage is not None:
                self._has_registry = False
            elif await find_champion(self._client, self._plan.tracking.url) is None:
                self._output.say("the registry has no champion: training the models (about one minute)")
                await run_to_end(TRAINING, training(self._plan), environment(), self._output)
        except StackError as error:
            self._do_without_registry(error)

    async def _serve_registered_price(self, group: asyncio.TaskGroup) -> Champion:
        """Serve the registry's champion; without a usable registry, the exported version that is served already."""
        try:
            champion = await self._price.serve_registered(group) if self._has_registry else self._price.champion
        except StackError as error:
            self._do_without_registry(error)
            champion = self._price.champion
        if champion is None:
            raise StackError("the training succeeded but registered no champion")
        return champion

    def _do_without_registry(self, error: StackError) -> None:
        if self._price.champion is None:
            raise error
        self._output.say(f"serving version {self._price.champion.version} without the registry: {error}", "red")
        self._has_registry = False

    def _reset_comparables(self) -> bool:
        """Remove the routes of the comparables model; return whether its folder can be used."""
        try:
            self._comparables.reset_routes()
        except StackError as error:
            self._output.say(f"valuations have no comparable sales: {error}", "red")
            return False
        return True

    async def _serve_exported_comparables(self, group: asyncio.TaskGroup) -> bool:
        """Serve the comparables model if it is exported; return whether its folder can be used."""
        try:
            await self._comparables.serve_exported(group)
        except StackError as error:
            self._output.say(f"valuations have no comparable sales: {error}", "red")
            return False
        return True

    async def _start_comparables(self, group: asyncio.TaskGroup, *, can_serve: bool) -> bool:
        """Serve the comparables model and return whether it is ready. Prices do not need it, so it may fail."""
        service = self._comparables
        if not can_serve:
            return False
        try:
            champion = await service.serve_registered(group) if self._has_registry else service.champion
            if champion is not None:
                await service.wait_until_ready(champion.version)
                return True
            if self._has_registry:
                self._output.say(NO_COMPARABLES.format(tracking=self._plan.tracking.url), "red")
        except StackError as error:
            self._output.say(f"valuations have no comparable sales: {error}", "red")
        service.run_servers(group)  # for a version that is promoted later
        return False

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
