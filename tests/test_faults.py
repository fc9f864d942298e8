"""The quick part of `make faults`: real processes and real faults. Checks responses, not times."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from benchmarks.faults.run import SCENARIOS, broken_promises, run

QUICK = (
    "killed",
    "stopped",
    "hiccups",
    "slow model server",
    "broken answers",
    "dead comparables",
    "frozen comparables",
    "slow comparables",
    "nonsense comparables",
    "valuations without prices",
    "overload",
    "stopping",
    "slow sockets",
    "byte fuzz",
    "routes",
    "bad canary",
    "silent databases",
    "locked job store",
    "full disks",
)
TIMEOUT_SECONDS = 240
PARALLEL_SCENARIOS = 4
"""The scenarios mostly wait, and none of them measures time."""

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module")
def running() -> Iterator[dict[str, Future[dict[str, Any]]]]:
    """Run all scenarios in parallel."""
    with ThreadPoolExecutor(PARALLEL_SCENARIOS) as pool:
        # No model is needed: the orchestrator calls a process that computes prices by a rule.
        yield {name: pool.submit(run, only=name, export=Path(), is_quick=True) for name in QUICK}
        pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize("name", QUICK)
def test_the_service_keeps_its_promises_during_the_fault(running: dict[str, Future[dict[str, Any]]], name: str) -> None:
    results = running[name].result(timeout=TIMEOUT_SECONDS)
    if not results["scenarios"]:
        (scenario,) = (scenario for scenario in SCENARIOS if scenario.name == name)
        assert not scenario.can_run()
        pytest.skip(scenario.missing)
    assert list(results["scenarios"]) == [name]
    assert not broken_promises(results)


def test_scenario_names_are_unique() -> None:
    names = [scenario.name for scenario in SCENARIOS]
    assert len(set(names)) == len(names)
