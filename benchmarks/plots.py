"""Plots of throughput, latency and CPU cost."""

from pathlib import Path
from typing import Final

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import StrMethodFormatter

from benchmarks.medians import Medians

SIZE_INCHES: Final = (8, 4.5)


def draw(medians: Medians, folder: Path) -> None:
    """Draw throughput and CPU cost by connections, and latency by rows per request, as SVG files."""
    # A fixed salt makes the files reproducible.
    mpl.rcParams.update({"svg.hashsalt": "housing-price", "svg.fonttype": "none", "font.size": 9})
    _draw_lines(
        medians,
        folder / "connections.svg",
        scenario="connections",
        figure="per_second",
        x_label="connections",
        y_label="single houses per second",
    )
    _draw_lines(
        medians,
        folder / "rows.svg",
        scenario="rows",
        figure="p50_ms",
        x_label="houses per request",
        y_label="median latency, ms",
    )
    _draw_lines(
        medians,
        folder / "cost.svg",
        scenario="connections",
        figure="cpu_seconds_per_1000",
        x_label="connections",
        y_label="CPU seconds per 1,000 houses",
    )


def _draw_lines(medians: Medians, path: Path, *, scenario: str, figure: str, x_label: str, y_label: str) -> None:
    plot = Figure(figsize=SIZE_INCHES, layout="constrained")
    axes: Axes = plot.subplots()
    x_values = medians.x_values(scenario)
    for name in medians.contenders(scenario):
        points = [
            (x, y) for x in medians.x_values(scenario) if (y := medians.get(scenario, name, figure, x)) is not None
        ]
        xs, ys = zip(*points, strict=True) if points else ((), ())
        axes.plot(xs, ys, marker="o", markersize=4, linewidth=2 if "ours" in name else 1, label=name)
    axes.set(xscale="log", yscale="log", xlabel=x_label, ylabel=y_label)
    axes.set_xticks(x_values)
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,g}"))
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,g}"))
    axes.minorticks_off()
    axes.grid(visible=True, linewidth=0.3)
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
    plot.savefig(path, metadata={"Date": None})
