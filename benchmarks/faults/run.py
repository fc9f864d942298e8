"""Runs scenarios one after the other, each with processes of its own, and keeps what they found."""

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
from benchmarks.faults.failing import failing
from benchmarks.faults.flood import flood
from benchmarks.faults.fuzz_bytes import fuzz_bytes
from benchmarks.faults.fuzz_schema import fuzz_schema
from benchmarks.faults.invalid_answers import invalid_answers
from benchmarks.faults.killed import killed
from benchmarks.faults.no_fault import no_fault
from benchmarks.faults.overload import overload
from benchmarks.faults.rate_limited_key import rate_limited_key
from benchmarks.faults.restarts import has_proxy, rolling, stopping
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
    """One fault.

    Attributes:
        name: What it is called, by `--only` as well.
        run: Causes it and says what it found; its docstring tells what it does.
        minutes: How long it takes where it can be told.
        can_run: Whether what it needs is on this machine.
        missing: What it needs.
    """

    name: str
    run: Run
    minutes: float = 0.0
    can_run: Callable[[], bool] = lambda: True
    missing: str = ""


SCENARIOS: Final = (
    Scenario("none", no_fault),
    Scenario("killed", killed),
    Scenario("stopped", stopped),
    Scenario("hiccups", hiccups),
    Scenario("failing", failing),
    Scenario("slow model server", slow_model),
    Scenario("broken answers", invalid_answers),
    Scenario("overload", overload),
    Scenario("flood of batches", flood),
    Scenario("stopping", stopping),
    Scenario("rolling restart", rolling, can_run=has_proxy, missing="nginx"),
    Scenario("slow sockets", slow_sockets),
    Scenario("one key too much", rate_limited_key),
    Scenario("schema fuzz", fuzz_schema, minutes=10),
    Scenario("byte fuzz", fuzz_bytes, minutes=10),
    Scenario("soak", soak, minutes=30),
    Scenario("swap", swap),
    Scenario("rolling swap", rolling_swap),
    Scenario("routes", routes),
    Scenario("bad canary", bad_canary),
)


def run(
    *, only: str = "", export: Path | None = None, is_quick: bool = False, minutes: float | None = None
) -> dict[str, Any]:
    """Cause faults; gives everything that goes into a file of results.

    Args:
        only: Only scenarios with this in their names.
        export: A model exported before; without it, one is trained.
        is_quick: Take little time and judge no figures.
        minutes: How long the long scenarios take, instead of what each takes by itself.
    """
    exported = cache(lambda: export or model.exported())
    results = {}
    for scenario in SCENARIOS:
        if only not in scenario.name:
            continue
        if not scenario.can_run():
            print(f"{scenario.name}: not run, {scenario.missing} was not found", file=sys.stderr)  # noqa: T201 - progress
            continue
        results[scenario.name] = run_one(
            scenario, exported, is_quick=is_quick, minutes=scenario.minutes if minutes is None else minutes
        )
    return {"is_quick": is_quick, "scenarios": results}


def run_one(scenario: Scenario, export: Callable[[], Path], *, is_quick: bool, minutes: float) -> dict[str, Any]:
    """Cause one fault, with nothing left running afterwards; gives its promises and figures."""
    started = time.monotonic()
    facts = machine.facts()
    with ExitStack() as stack:
        testbed = Testbed(scenario.name, stack, export, is_quick=is_quick, minutes=minutes)
        try:
            scenario.run(testbed)
        except Exception as error:  # noqa: BLE001 - the other scenarios go on, and this one did not hold
            traceback.print_exc()
            testbed.findings.expect("it can be measured", "yes", repr(error)[:300], is_held=False)
        logged = [line for one in testbed.orchestrators for line in one.log.read_bytes().splitlines()]
        testbed.findings.expect_none(
            "lines of the orchestrators' logs that are not JSON", [x for x in logged if not is_json(x)]
        )
        testbed.findings.expect_none(
            "stack traces in the orchestrators' logs", [x for x in logged if b"Traceback" in x]
        )
    found = testbed.findings.as_json() | {
        "what": (scenario.run.__doc__ or "").strip().removesuffix("."),
        "seconds": round(time.monotonic() - started, 1),
        "machine": facts,
    }
    for promise in found["promises"]:
        verdict = "   " if promise["is_held"] else "NOT"
        shown = f"{promise['measured']} ({promise['to_hold']})"
        print(f"{verdict} {scenario.name}: {promise['what']}: {shown}", file=sys.stderr)  # noqa: T201 - progress
    return found


def is_json(line: bytes) -> bool:
    """Whether a line of a log is a JSON object."""
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False


def broken_promises(results: dict[str, Any]) -> list[str]:
    """Name the promises that did not hold; figures of a quick run do not count."""
    return [
        f"{name}: {promise['what']}: {promise['measured']} instead of {promise['to_hold']}"
        for name, scenario in results["scenarios"].items()
        for promise in scenario["promises"]
        if not promise["is_held"] and not (results["is_quick"] and promise["is_figure"])
    ]
