"""The quick part of `make faults`: real processes and real faults, where answers are judged and times are not."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from benchmarks.faults.run import SCENARIOS, not_held, run

QUICK = (
    "killed",
    "stopped",
    "hiccups",
    "slow model server",
    "broken answers",
    "overload",
    "stopping",
    "slow sockets",
    "byte fuzz",
    "routes",
    "bad canary",
)
AT_A_TIME = 4
"""They wait more than they work; none of them judges how fast anything was."""

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module")
def running() -> Iterator[dict[str, Future[dict[str, Any]]]]:
    """All scenarios, side by side."""
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        # None of them needs a model: behind the orchestrator is a process that prices by a rule.
        yield {name: pool.submit(run, only=name, export=Path(), is_quick=True) for name in QUICK}
        pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize("name", QUICK)
def test_it_keeps_its_word_while_there_is_the_fault(running: dict[str, Future[dict[str, Any]]], name: str) -> None:
    results = running[name].result(timeout=120)
    assert list(results["scenarios"]) == [name]
    assert not not_held(results)


def test_every_scenario_has_a_name_of_its_own() -> None:
    names = [scenario.name for scenario in SCENARIOS]
    assert len(set(names)) == len(names)
