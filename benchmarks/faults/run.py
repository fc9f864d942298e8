"""Runs fault scenarios one after the other, each with its own processes."""

import json
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from benchmarks import machine, model
from benchmarks.faults.comparables_away import (
    comparables_killed,
    comparables_nonsense,
    comparables_slow,
    comparables_stopped,
    valuations_without_prices,
)
from benchmarks.faults.databases.scenarios import (
    full_disks,
    has_postgres,
    has_small_disk,
    locked_job_store,
    silent_databases,
)
from benchmarks.faults.failing import failing
from benchmarks.faults.flood import flood
from benchmarks.faults.fuzz_bytes import fuzz_bytes
from benchmarks.faults.fuzz_schema import fuzz_schema
from benchmarks.faults.invalid_answers import invalid_answers
from benchmarks.faults.killed import killed
from benchmarks.faults.no_fault import no_fault
from benchmarks.faults.overload import overload
from benchmarks.faults.rate_limited_key import rate_limited_key
from benchmarks.faults.restarts import has_nginx, rolling, stopping
from benchmarks.faults.routes import bad_canary, routes
from benchmarks.faults.slow_model import slow_model
from benchmarks.faults.slow_sockets import slow_sockets
from benchmarks.faults.soak import soak
from benchmarks.faults.stopped import hiccups, stopped
from benchmarks.faults.swap import rolling_swap, swap
from benchmarks.faults.testbed import Testbed

type Run = Callable[[Testbed], None]


@dataclass(frozen=True)
class Scenario:
    """One fault scenario."""

    name: str
    """Its name in results and for `--only`."""
    run: Run
    """Injects the fault and records findings. Its docstring describes the fault in the table of results."""
    minutes: float = 0.0
    """Default duration of a long scenario."""
    can_run: Callable[[], bool] = lambda: True
    """Whether its requirements are installed."""
    missing: str = ""
    """Why it cannot run, if its requirements are missing."""


SCENARIOS: Final = (
    Scenario("none", no_fault),
    Scenario("killed", killed),
    Scenario("stopped", stopped),
    Scenario("hiccups", hiccups),
    Scenario("failing", failing),
    Scenario("slow model server", slow_model),
    Scenario("broken answers", invalid_answers),
    Scenario("dead comparables", comparables_killed),
    Scenario("frozen comparables", comparables_stopped),
    Scenario("slow comparables", comparables_slow),
    Scenario("nonsense comparables", comparables_nonsense),
    Scenario("valuations without prices", valuations_without_prices),
    Scenario("overload", overload),
    Scenario("flood of batches", flood),
    Scenario("stopping", stopping),
    Scenario("rolling restart", rolling, can_run=has_nginx, missing="nginx is not installed"),
    Scenario("slow sockets", slow_sockets),
    Scenario("one key too much", rate_limited_key),
    Scenario("schema fuzz", fuzz_schema, minutes=10),
    Scenario("byte fuzz", fuzz_bytes, minutes=10),
    Scenario("soak", soak, minutes=30),
    Scenario("swap", swap),
    Scenario("rolling swap", rolling_swap),
    Scenario("routes", routes),
    Scenario("bad canary", bad_canary),
    Scenario("silent databases", silent_databases, can_run=has_postgres, missing="Postgres is not installed"),
    Scenario("locked job store", locked_job_store),
    Scenario("full disks", full_disks, can_run=has_small_disk, missing="a tmpfs cannot be mounted without root"),
)


def run(
    *, only: str = "", export: Path | None = None, is_quick: bool = False, minutes: float | None = None
) -> dict[str, Any]:
    """Run scenarios and return the content of a results file.

    Args:
        only: Run only scenarios whose name contains this text.
        export: Folder of an exported model. If None, a model is trained when first needed.
        is_quick: Use short durations and ignore promises about times and sizes.
        minutes: Duration of each long scenario; None for its default.
    """
    exported = cache(lambda: export or model.exported())
    results = {}
    for scenario in SCENARIOS:
        if only not in scenario.name:
            continue
        if not scenario.can_run():
            print(f"{scenario.name}: skipped, {scenario.missing}", file=sys.stderr)  # noqa: T201 - progress
            continue
        results[scenario.name] = run_one(
            scenario, exported, is_quick=is_quick, minutes=scenario.minutes if minutes is None else minutes
        )
    return {"is_quick": is_quick, "scenarios": results}


def run_one(scenario: Scenario, export: Callable[[], Path], *, is_quick: bool, minutes: float) -> dict[str, Any]:
    """Run one scenario, stop its processes, and return its promises and figures."""
    started = time.monotonic()
    facts = machine.facts()
    with ExitStack() as stack:
        testbed = Testbed(scenario.name, stack, export, is_quick=is_quick, minutes=minutes)
        try:
            scenario.run(testbed)
        except Exception as error:  # noqa: BLE001 - recorded as a broken promise; the other scenarios run
            traceback.print_exc()
            testbed.findings.expect("the scenario completes", "yes", repr(error)[:300], is_held=False)
        logged = [line for orchestrator in testbed.orchestrators for line in orchestrator.log.read_bytes().splitlines()]
        testbed.findings.expect_none(
            "log lines of the orchestrators that are not JSON", [line for line in logged if not is_json(line)]
        )
        testbed.findings.expect_none(
            "stack traces in the logs of the orchestrators", [line for line in logged if b"Traceback" in line]
        )
    result = testbed.findings.as_json() | {
        "description": (scenario.run.__doc__ or "").strip().removesuffix("."),
        "seconds": round(time.monotonic() - started, 1),
        "machine": facts,
    }
    for promise in result["promises"]:
        verdict = "   " if promise["is_held"] else "NOT"
        shown = f"{promise['measured']} ({promise['expected']})"
        print(f"{verdict} {scenario.name}: {promise['name']}: {shown}", file=sys.stderr)  # noqa: T201 - progress
    return result


def is_json(line: bytes) -> bool:
    """Return whether a log line is a JSON object."""
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False


def broken_promises(results: dict[str, Any]) -> list[str]:
    """Describe the promises that do not hold; a quick run ignores times and sizes."""
    return [
        f"{name}: {promise['name']}: {promise['measured']}, expected {promise['expected']}"
        for name, scenario in results["scenarios"].items()
        for promise in scenario["promises"]
        if not promise["is_held"] and not (results["is_quick"] and promise["is_figure"])
    ]
