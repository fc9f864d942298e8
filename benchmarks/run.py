"""One benchmark run: starts the servers of each stage, warms them up and measures in rounds."""

import json
import shutil
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

from benchmarks import load, machine, model, reference_prices, scenarios
from benchmarks.contenders import all_contenders
from benchmarks.running_contenders import start
from benchmarks.scenarios import RunLength, Sample, Stage

WARM_UP_SECONDS: Final = 1
WARM_UP_CONNECTIONS: Final = 32


def run(run_length: RunLength, *, export: Path | None, stages: list[str], only: str) -> dict[str, Any]:
    """Run the benchmarks and return the content of a results file.

    Args:
        run_length: Durations and load levels.
        export: Folder of an exported model. If None, a model is trained.
        stages: The stages to run; empty for all.
        only: Measure only scenarios whose name contains this text.
    """
    if shutil.which("wrk") is None:
        sys.exit("wrk not found. Install it (Debian: apt-get install wrk).")
    facts = machine.facts()
    export = export or model.exported()
    expected = {"of_stub": reference_prices.of_stub(), "of_model": reference_prices.of_model(export)}
    known = all_contenders(export)
    samples: list[Sample] = []
    started = time.monotonic()

    def report(sample: Sample) -> None:
        samples.append(sample)
        x = "" if sample["x"] is None else f" {sample['x']:,}"
        shown = sample.get("problem") or _main_figures(sample["figures"])
        print(  # noqa: T201 - progress
            f"{time.monotonic() - started:5.0f} s  {sample['scenario']}{x}, {sample['contender']}: {shown}",
            file=sys.stderr,
            flush=True,
        )

    for make_stage in (scenarios.over_stub, scenarios.with_model):
        stage = _matching_scenarios(make_stage(run_length), only)
        if not stage.scenarios or (stages and stage.name not in stages):
            continue
        with ExitStack() as stack:
            running = start(stage.contender_names, known, stack, **expected)
            for contender in running.values():
                load.warm_up(contender, connections=WARM_UP_CONNECTIONS, seconds=WARM_UP_SECONDS)
            for number in range(run_length.rounds):
                scenarios.run_round(stage, running, number, report)
    return {
        "machine": facts,
        "model": json.loads((export / "manifest.json").read_bytes()) | {"run_id": ""},
        "rounds": run_length.rounds,
        "took_seconds": round(time.monotonic() - started),
        "problems": [sample["problem"] for sample in samples if "problem" in sample],
        "samples": samples,
    }


def _matching_scenarios(stage: Stage, only: str) -> Stage:
    return Stage(stage.name, [scenario for scenario in stage.scenarios if only in scenario.name])


def _main_figures(figures: dict[str, Any]) -> str:
    shown = ("per_second", "rows_per_second", "p50_ms", "p99_ms", "grown_mib", "cpu_seconds_per_1000", "coalesced")
    return ", ".join(f"{name} {figures[name]:,}" for name in shown if name in figures)
