"""One run: starts what a stage needs, warms it up, measures in rounds, and keeps every sample."""

import json
import shutil
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from benchmarks import load, machine, model, reference_prices, scenarios
from benchmarks.contenders import contenders
from benchmarks.running_contenders import start
from benchmarks.scenarios import Effort, Sample, Stage

WARM_UP_SECONDS = 1
WARM_UP_CONNECTIONS = 32


def run(effort: Effort, *, export: Path | None, stages: list[str], only: str) -> dict[str, Any]:
    """Measure; gives everything that goes into a file of results.

    Args:
        effort: How long and how much.
        export: A model exported before; without it, one is trained.
        stages: The stages to run, all if empty.
        only: Measure only scenarios whose names have this in them.
    """
    if shutil.which("wrk") is None:
        sys.exit("wrk was not found: install it (Debian: apt-get install wrk)")
    facts = machine.facts()
    export = export or model.exported()
    expected = {"of_stub": reference_prices.of_stub(), "of_model": reference_prices.of_model(export)}
    known = contenders(export)
    samples: list[Sample] = []
    started = time.monotonic()

    def report(sample: Sample) -> None:
        samples.append(sample)
        x = "" if sample["x"] is None else f" {sample['x']:,}"
        shown = sample.get("problem") or _short(sample["figures"])
        print(  # noqa: T201 - progress
            f"{time.monotonic() - started:5.0f} s  {sample['scenario']}{x}, {sample['contender']}: {shown}",
            file=sys.stderr,
            flush=True,
        )

    for make in (scenarios.alone, scenarios.with_model):
        stage = _narrowed(make(effort), only)
        if not stage.scenarios or (stages and stage.name not in stages):
            continue
        with ExitStack() as stack:
            running = start(stage.names, known, stack, **expected)
            for one in running.values():
                load.warm_up(one, connections=WARM_UP_CONNECTIONS, seconds=WARM_UP_SECONDS)
            for number in range(effort.rounds):
                scenarios.run_round(stage, running, number, report)
    return {
        "machine": facts,
        "model": json.loads((export / "manifest.json").read_bytes()) | {"run_id": ""},
        "rounds": effort.rounds,
        "took_seconds": round(time.monotonic() - started),
        "problems": [sample["problem"] for sample in samples if "problem" in sample],
        "samples": samples,
    }


def _narrowed(stage: Stage, only: str) -> Stage:
    return Stage(stage.name, [scenario for scenario in stage.scenarios if only in scenario.name])


def _short(figures: dict[str, Any]) -> str:
    shown = ("per_second", "rows_per_second", "p50_ms", "p99_ms", "grown_mib", "cpu_seconds_per_1000", "coalesced")
    return ", ".join(f"{name} {figures[name]:,}" for name in shown if name in figures)
