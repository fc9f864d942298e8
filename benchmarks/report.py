"""Renders the tables of a run, for the terminal and for the marked places in the README."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from benchmarks import plots, targets
from benchmarks.medians import Medians
from benchmarks.paths import README, RESULTS
from benchmarks.scenarios import BUSY_CONNECTIONS

type Table = Sequence[Sequence[str]]

_MARKER: Final = "<!-- {}: {} -->"


def as_text(results: Mapping[str, Any]) -> str:
    """Return all tables of a run as Markdown."""
    return "\n\n".join(f"## {name}\n\n{text}" for name, text in _blocks(results).items())


def write() -> None:
    """Write the tables of the last full run into the README and draw the plots."""
    results = json.loads((RESULTS / "bench.json").read_bytes())
    plots.draw(Medians(results), RESULTS)
    blocks = _blocks(results)
    for name in ("profile", "model-server", "valuations"):
        path = RESULTS / f"{name}.md"
        if path.exists():
            blocks[name] = path.read_text(encoding="utf-8").strip()
    text = README.read_text(encoding="utf-8")
    for name, block in blocks.items():
        begin, end = _MARKER.format("begin", name), _MARKER.format("end", name)
        head, found_begin, rest = text.partition(begin)
        _, found_end, tail = rest.partition(end)
        if found_begin and found_end:
            text = f"{head}{begin}\n\n{block}\n\n{end}{tail}"
    README.write_text(text, encoding="utf-8")


def _blocks(results: Mapping[str, Any]) -> dict[str, str]:
    medians = Medians(results)
    return {
        "targets": _targets(medians),
        "connections": _by_x(medians, "connections", "per_second", "{:,.0f}", "requests/s"),
        "latency": _by_x(medians, "connections", "p99_ms", "{:,.1f}", "p99, ms"),
        "rows": _by_x(medians, "rows", "p50_ms", "{:,.2f}", "p50, ms"),
        "workers": _workers(medians),
        "machine": _machine(results),
    }


def _targets(medians: Medians) -> str:
    labels = {True: "yes", False: "**no**", None: ""}
    lines = [[row.figure, row.target, row.measured, labels[row.is_reached]] for row in targets.rows(medians)]
    return _markdown([["figure", "target", "measured", "reached"], *lines])


def _by_x(medians: Medians, scenario: str, figure: str, form: str, unit: str) -> str:
    columns = medians.x_values(scenario)
    lines = [[f"{scenario} ({unit})", *(f"{x:,}" for x in columns)]]
    for name in medians.contenders(scenario):
        values = [medians.get(scenario, name, figure, x) for x in columns]
        lines.append([name, *("" if value is None else form.format(value) for value in values)])
    return _markdown(lines)


def _workers(medians: Medians) -> str:
    lines = [["128 connections", "requests/s", "CPU seconds per 1,000", "without the model server"]]
    for name in medians.contenders("connections"):
        figures = ("per_second", "cpu_seconds_per_1000", "own_cpu_seconds_per_1000")
        values = [medians.get("connections", name, figure, BUSY_CONNECTIONS) for figure in figures]
        if None not in values:
            rate, cost, own = (value or 0.0 for value in values)
            lines.append([name, f"{rate:,.0f}", f"{cost:.3f}", f"{own:.3f}"])
    return _markdown(lines)


def _machine(results: Mapping[str, Any]) -> str:
    facts = results["machine"]
    lines = [
        ["fact", "value"],
        ["measured at", f"{facts['measured_at']}, commit {facts['commit']}"],
        ["processor", f"{facts['processor']}, {facts['cores']} cores shared with the load generator"],
        ["memory", f"{facts['memory_gib']} GiB"],
        ["kernel", facts["kernel"]],
        ["Python, wrk", f"{facts['python']}, {facts['wrk']}"],
        ["versions", ", ".join(f"{name} {number}" for name, number in facts["versions"].items())],
        ["model", f"{results['model']['model_id']}, {results['model']['digest'][:23]}"],
        ["load average before the run", str(facts["load_average_before"])],
        ["rounds, duration in minutes", f"{results['rounds']}, {results['took_seconds'] / 60:.0f}"],
        ["wrong answers and errors", str(len(results["problems"]))],
    ]
    return _markdown(lines)


def _markdown(table: Table) -> str:
    header, *lines = table
    return "\n".join(f"| {' | '.join(line)} |" for line in (header, ["---"] * len(header), *lines))
