"""Runs a command that ends by itself, such as the training, and reports that it is still running."""

import asyncio
import time
from collections.abc import Mapping
from typing import Final

from housing_price.errors import StackError
from housing_price.processes.output import Output
from housing_price.processes.process import Process
from housing_price.processes.supervisor import describe_status

HEARTBEAT_SECONDS: Final = 10


async def run_to_end(name: str, command: tuple[str, ...], environment: Mapping[str, str], output: Output) -> None:
    """Run a command and print its lines under a name; when cancelled, end it with all its descendants.

    Raises:
        StackError: It failed.
    """
    started = time.monotonic()
    process = await Process.start(command, environment, lambda text: output.line(name, text, "yellow"))
    heartbeat = asyncio.create_task(_report_progress(name, started, output))
    try:
        status = await process.wait()
    finally:
        heartbeat.cancel()
        await process.stop()
    if status:
        raise StackError(f"the {name} failed with {describe_status(status)}: see its output above")
    output.say(f"{name}: done after {time.monotonic() - started:.1f} s", "green")


async def _report_progress(name: str, started: float, output: Output) -> None:
    while True:
        await asyncio.sleep(HEARTBEAT_SECONDS)
        output.say(f"{name}: still running after {time.monotonic() - started:.0f} s")
