"""Measures valuations beside prices: the time that each part adds, and fixed rates, over the two real model servers."""

import random
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Final

from benchmarks import houses, load, model, reference_prices
from benchmarks.contenders import OUR_MODEL_SERVER, OURS, Contender, all_contenders
from benchmarks.houses import RequestFormat
from benchmarks.machine import description
from benchmarks.paths import RESULTS
from benchmarks.processes import Server, free_port
from benchmarks.running_contenders import RunningContender

PRICE: Final = "`POST /price/predict`"
FORMATS: Final = {
    PRICE: houses.PUBLIC,
    "`POST /valuation?include=`": houses.VALUE_ALONE,
    "`POST /valuation?include=comparables`": houses.VALUATION_WITHOUT_EXPLANATION,
    "`POST /valuation`": houses.FULL_VALUATION,
}
"""The name of a measurement in the table."""

WITHOUT_EXPLANATION, FULL = list(FORMATS)[2:]
MAX_ADDED_MS: Final = {WITHOUT_EXPLANATION: 7.0, FULL: 20.0}
"""Most milliseconds that a valuation may take longer than a price, at one connection (p50)."""

SUSTAINED_PER_SECOND: Final = {WITHOUT_EXPLANATION: 100.0, FULL: 50.0}
MAX_SUSTAINED_P99_MS: Final = 1000.0
"""Half of the deadline: a queue that grows for the whole time exceeds it."""


@dataclass(frozen=True)
class Line:
    """A line of the table."""

    figure: str
    """What is measured."""
    target: str
    """The target, if there is one."""
    measured: str
    """The measured figure."""
    is_reached: bool | None = None
    """Whether the target is reached; None without a target."""


def measure(rounds: int, seconds: float, export: Path | None) -> list[Line]:
    """Measure all formats in turns, then at fixed rates.

    Args:
        rounds: Measurements of each format at one connection; the median counts.
        seconds: Duration of one of them; a fixed rate takes five times as long.
        export: Folder of the exported models; None to train them.

    Raises:
        WrongAnswer: At one connection, an answer was an error, lacked a part, or had a wrong price.
    """
    with ExitStack() as stack:
        running = _start(export or model.exported(), stack)
        for contender in running.values():
            load.sequential(contender, rows=1, seconds=1)
        samples: dict[str, list[load.Figures]] = {name: [] for name in running}
        order = list(running)
        for _ in range(rounds):
            random.shuffle(order)
            for name in order:
                samples[name].append(load.sequential(running[name], rows=1, seconds=seconds))
        lines = _latencies(samples)
        for name, rate in SUSTAINED_PER_SECOND.items():
            lines.append(_sustained(name, running[name], rate, 5 * seconds))
    return lines


def as_table(lines: Sequence[Line]) -> str:
    """Return a Markdown table."""
    labels = {True: "yes", False: "**no**", None: ""}
    rows = [f"| {one.figure} | {one.target} | {one.measured} | {labels[one.is_reached]} |" for one in lines]
    return "\n".join(["| figure | target | measured | reached |", "| --- | --- | --- | --- |", *rows])


def write(table: str) -> None:
    """Write the table to results/valuations.md."""
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "valuations.md").write_text(f"{table}\n\n{description()}\n", encoding="utf-8")


def _sustained(name: str, running: RunningContender, rate: float, seconds: float) -> Line:
    figure = f"{name} at {rate:.0f}/s for {seconds:.0f} s"
    target = f"complete answers, p99 <= {MAX_SUSTAINED_P99_MS:.0f} ms"
    try:
        figures = load.open_loop(running, rate=rate, seconds=seconds)
    except load.WrongAnswer as error:
        print(error, file=sys.stderr)  # noqa: T201 - the reason
        return Line(figure, target, "an answer was an error or lacked a part", False)
    measured = f"p50 {figures['p50_ms']:.1f} ms, p99 {figures['p99_ms']:.0f} ms"
    return Line(figure, target, measured, figures["p99_ms"] <= MAX_SUSTAINED_P99_MS)


def _latencies(samples: dict[str, list[load.Figures]]) -> list[Line]:
    p50_ms = {name: median(figures["p50_ms"] for figures in of_format) for name, of_format in samples.items()}
    lines = []
    for name, milliseconds in p50_ms.items():
        added = milliseconds - p50_ms[PRICE]
        most = MAX_ADDED_MS.get(name)
        lines.append(
            Line(
                f"{name}, p50 at one connection",
                "" if most is None else f"<= +{most:g} ms over a price",
                f"{milliseconds:.2f} ms" + ("" if name == PRICE else f", +{added:.2f} ms"),
                None if most is None else added <= most,
            )
        )
    return lines


def _start(export: Path, stack: ExitStack) -> dict[str, RunningContender]:
    """Start both model servers and the orchestrator; returns a contender for each format of requests."""
    ours = all_contenders(export)[OURS]
    price, comparables = (
        _serve(all_contenders(folder)[OUR_MODEL_SERVER], folder.name, stack)
        for folder in (export, model.comparables_of(export))
    )
    port = free_port()
    variables = {"ORCHESTRATOR_COMPARABLES__BASE_URL": f"http://127.0.0.1:{comparables.port}"}
    orchestrator = stack.enter_context(
        Server(
            "valuations",
            ours.command(port, price.port),
            port,
            ready=ours.ready,
            variables={**ours.variables(port, price.port), **variables},
            cwd=ours.cwd,
        )
    )
    orchestrator.wait_until_ready()
    expected = reference_prices.of_model(export)

    def of_format(request_format: RequestFormat) -> RunningContender:
        return RunningContender(replace(ours, request_format=request_format), orchestrator, price, expected)

    return {name: of_format(request_format) for name, request_format in FORMATS.items()}


def _serve(contender: Contender, name: str, stack: ExitStack) -> Server:
    port = free_port()
    server = stack.enter_context(
        Server(
            f"valuations-{name}",
            contender.command(port, 0),
            port,
            ready=contender.ready,
            variables={},
            cwd=contender.cwd,
        )
    )
    server.wait_until_ready()
    return server
