"""Measures gRPC beside HTTP: one orchestrator as shipped, in front of the real model server."""

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final

from benchmarks import load, model, reference_prices
from benchmarks.contenders import OUR_MODEL_SERVER, OURS, all_contenders
from benchmarks.load import Figures, WrongAnswer
from benchmarks.machine import description
from benchmarks.paths import REPOSITORY, RESULTS
from benchmarks.processes import Server, environment, free_port
from benchmarks.running_contenders import RunningContender

CLIENT_SECONDS: Final = 180.0
HTTP, GRPC = "HTTP", "gRPC"


@dataclass(frozen=True)
class Line:
    """A line of the table: a figure over HTTP and over gRPC, each the median of all rounds."""

    figure: str
    http: float
    grpc: float


def measure(rounds: int, seconds: float, stream_houses: int, export: Path | None) -> list[Line]:
    """Measure both interfaces of one process in turns.

    Args:
        rounds: Measurements of each interface; the median counts.
        seconds: Duration of a measurement of single houses.
        stream_houses: Houses of a stream.
        export: Folder of an exported model; None to train one.

    Raises:
        WrongAnswer: An answer was an error or had a wrong price.
    """
    with ExitStack() as stack:
        running, grpc_port = _start(export or model.exported(), stack)

        def rpc(*options: str) -> Figures:
            return _rpc_client(grpc_port, running.expected, *options)

        single: dict[str, Callable[[], Figures]] = {
            HTTP: lambda: load.sequential(running, rows=1, seconds=seconds),
            GRPC: lambda: rpc("--seconds", str(seconds)),
        }
        stream: dict[str, Callable[[], Figures]] = {
            HTTP: lambda: load.stream(running, houses=stream_houses),
            GRPC: lambda: rpc("--houses", str(stream_houses)),
        }
        load.sequential(running, rows=1, seconds=1)
        return [
            _line("p50 of one house at one connection (ms)", "p50_ms", single, rounds),
            _line(f"stream of {stream_houses:,} houses (rows/s)", "rows_per_second", stream, rounds),
        ]


def as_table(lines: Sequence[Line]) -> str:
    """Return a Markdown table."""
    rows = [f"| {one.figure} | {one.http:,.2f} | {one.grpc:,.2f} | {one.grpc / one.http:.2f} |" for one in lines]
    return "\n".join(["| figure | HTTP | gRPC | gRPC / HTTP |", "| --- | --- | --- | --- |", *rows])


def write(table: str) -> None:
    """Write the table to results/grpc.md."""
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "grpc.md").write_text(f"{table}\n\n{description()}\n", encoding="utf-8")


def _line(figure: str, key: str, measurements: dict[str, Callable[[], Figures]], rounds: int) -> Line:
    samples: dict[str, list[float]] = {name: [] for name in measurements}
    for number in range(rounds):
        # In turns, and each first as often as second.
        for name in list(measurements)[:: 1 if number % 2 == 0 else -1]:
            samples[name].append(measurements[name]()[key])
    return Line(figure, median(samples[HTTP]), median(samples[GRPC]))


def _start(export: Path, stack: ExitStack) -> tuple[RunningContender, int]:
    """Start the model server and the orchestrator with both interfaces; returns it and the port of gRPC."""
    contenders = all_contenders(export)
    ours, behind = contenders[OURS], contenders[OUR_MODEL_SERVER]
    behind_port, port, grpc_port = free_port(), free_port(), free_port()
    servers = []
    for contender, own_port, variables in (
        (behind, behind_port, behind.variables(behind_port, 0)),
        (ours, port, {**ours.variables(port, behind_port), "ORCHESTRATOR_GRPC__PORT": str(grpc_port)}),
    ):
        server = stack.enter_context(
            Server(
                f"grpc {contender.name}",
                contender.command(own_port, behind_port),
                own_port,
                ready=contender.ready,
                variables=variables,
                cwd=contender.cwd,
            )
        )
        server.wait_until_ready()
        servers.append(server)
    return RunningContender(ours, servers[1], servers[0], reference_prices.of_model(export)), grpc_port


def _rpc_client(port: int, expected: Path, *options: str) -> Figures:
    """Run the client in a process of its own; returns its figures.

    Raises:
        WrongAnswer: The client failed, or an answer was an error or had a wrong price.
    """
    command = [sys.executable, "-m", "benchmarks.clients.rpc", "--port", str(port), "--expected", str(expected)]
    run = subprocess.run(  # noqa: S603 - this package's own client
        [*command, *options],
        capture_output=True,
        text=True,
        cwd=REPOSITORY,
        env=environment(),
        timeout=CLIENT_SECONDS,
        check=False,
    )
    if run.returncode:
        raise WrongAnswer(f"the gRPC client failed: {run.stderr[-1000:]}")
    figures: Figures = json.loads(run.stdout)
    if figures["errors"] or figures["wrong"]:
        raise WrongAnswer(f"gRPC: {figures}")
    return figures
