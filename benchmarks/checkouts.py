"""Compares the orchestrator of this checkout with those of other checkouts, in one interleaved run.

Each checkout is a folder with a `.venv` of its own (`uv sync --all-packages`). All of them answer the same load, in
turns, over one stub and over one model server of this checkout.
"""

import statistics
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from benchmarks import contenders, load, model, reference_prices
from benchmarks.contenders import Contender
from benchmarks.load import Figures
from benchmarks.running_contenders import RunningContender, start
from benchmarks.scenarios import BATCH_ROWS, BUSY_CONNECTIONS, rotated

THIS: Final = "this checkout"


@dataclass(frozen=True)
class Load:
    """A kind of load: the contender that answers it, its measurement, and the figure that is compared."""

    name: str
    base: str
    figure: str
    measure: Callable[[RunningContender, float], Figures]


def _busy(running: RunningContender, seconds: float) -> Figures:
    return load.closed_loop(running, connections=BUSY_CONNECTIONS, seconds=max(3, round(seconds)))


def _one_connection(running: RunningContender, seconds: float) -> Figures:
    return load.sequential(running, rows=1, seconds=seconds / 2)


def _batch(running: RunningContender, seconds: float) -> Figures:
    return load.sequential(running, rows=BATCH_ROWS, seconds=seconds / 2)


LOADS: Final = (
    Load("128 connections, quiet, over the stub", contenders.QUIET_OVER_STUB, "per_second", _busy),
    Load("128 connections, as shipped, over the stub", contenders.SHIPPED_OVER_STUB, "per_second", _busy),
    Load("one connection, as shipped, over the stub", contenders.SHIPPED_OVER_STUB, "p50_ms", _one_connection),
    Load("a batch of 1,000, as shipped, over the stub", contenders.SHIPPED_OVER_STUB, "p50_ms", _batch),
    Load("128 connections, over the model server", contenders.OURS, "per_second", _busy),
    Load("one connection, over the model server", contenders.OURS, "p50_ms", _one_connection),
    Load("a batch of 1,000, over the model server", contenders.OURS, "p50_ms", _batch),
)


def compare(others: Mapping[str, Path], rounds: int, seconds: float, only: str, export: Path | None) -> str:
    """Measure every load on this checkout and on `others`; returns a Markdown table of medians and ratios.

    The ratio is that of another checkout's figure to this one's; its spread over the rounds is in brackets.
    """
    export = export or model.exported()
    expected = {"of_stub": reference_prices.of_stub(), "of_model": reference_prices.of_model(export)}
    pythons = {THIS: Path(sys.executable)} | {name: path / ".venv/bin/python" for name, path in others.items()}
    lines = [f"| load | figure | {THIS} | {' | '.join(others)} |", "|---|---|" + "---|" * len(pythons)]
    loads = [one for one in LOADS if only in one.name]
    for base in dict.fromkeys(one.base for one in loads):
        known = contenders.all_contenders(export)
        names = {name: f"{base}, {name}" for name in pythons}
        for name, python in pythons.items():
            known[names[name]] = _with_python(known[base], names[name], python)
        with ExitStack() as stack:
            running = start(list(names.values()), known, stack, **expected)
            for contender in running.values():
                load.warm_up(contender, connections=BUSY_CONNECTIONS, seconds=2)
            for one in (one for one in loads if one.base == base):
                samples: dict[str, list[float]] = {name: [] for name in names}
                for number in range(rounds):
                    for name in rotated(list(names), number):
                        samples[name].append(one.measure(running[names[name]], seconds)[one.figure])
                lines.append(_row(one, samples))
                print(lines[-1], file=sys.stderr, flush=True)  # noqa: T201 - progress
    return "\n".join(lines)


def _with_python(base: Contender, name: str, python: Path) -> Contender:
    return replace(base, name=name, command=lambda port, behind: (str(python), *base.command(port, behind)[1:]))


def _row(one: Load, samples: Mapping[str, Sequence[float]]) -> str:
    own = statistics.median(samples[THIS])
    cells = [f"{own:,.2f}"]
    for name, figures in samples.items():
        if name != THIS:
            ratios = sorted(figure / own_figure for figure, own_figure in zip(figures, samples[THIS], strict=True))
            ratio = statistics.median(figures) / own
            cells.append(f"{statistics.median(figures):,.2f}, {ratio:.3f}x ({ratios[0]:.2f} to {ratios[-1]:.2f})")
    return f"| {one.name} | {one.figure} | {' | '.join(cells)} |"
