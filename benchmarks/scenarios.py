"""The benchmark scenarios: each names its contenders and the load that they receive.

Scenarios that need the same servers form a stage. In each round every scenario measures its contenders one after the
other, in an order that rotates, so that disturbances of the machine affect all of them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from benchmarks import contenders, load
from benchmarks.load import Figures
from benchmarks.running_contenders import RunningContender

CONNECTIONS: Final = (1, 8, 32, 128, 256)
ROWS: Final = (1, 10, 100, 1_000, 10_000)
BUSY_CONNECTIONS: Final = 128
BATCH_ROWS: Final = 1_000
LARGEST_BATCH_ROWS: Final = 10_000
STREAM_HOUSES: Final = 100_000
QUIET_RATE: Final = 100.0
UNCOALESCED_HOUSES: Final = 200
LOG_COST_BUSY: Final = "prediction log, busy"
LOG_COST_ONE_CONNECTION: Final = "prediction log, one"
LOG_COST_REPEATS: Final = 4
"""Measurements per round; the speed of a machine can change within a minute by more than the log costs."""


@dataclass(frozen=True)
class RunLength:
    """Durations and load levels of a run."""

    rounds: int
    seconds: int
    latency_seconds: float
    open_loop_seconds: float
    stream_houses: int
    connections: Sequence[int] = CONNECTIONS
    rows: Sequence[int] = ROWS
    is_quick: bool = False


FULL: Final = RunLength(rounds=3, seconds=3, latency_seconds=1.5, open_loop_seconds=6, stream_houses=STREAM_HOUSES)
QUICK: Final = RunLength(
    rounds=3,
    seconds=1,
    latency_seconds=0.3,
    open_loop_seconds=1,
    stream_houses=5_000,
    connections=(BUSY_CONNECTIONS,),
    rows=(1, BATCH_ROWS),
    is_quick=True,
)

type Sample = dict[str, Any]
type Measure = Callable[[RunningContender], Figures]


@dataclass(frozen=True)
class Scenario:
    """One measurement, which is made for each of several contenders."""

    name: str
    """The name in the results."""
    contender_names: Sequence[str]
    """Names of the contenders."""
    measure: Measure
    """Measures one contender."""
    level: int | None = None
    """The load level: connections, rows, or None."""


@dataclass(frozen=True)
class Stage:
    """Scenarios that share servers."""

    name: str
    scenarios: Sequence[Scenario]

    @property
    def contender_names(self) -> Sequence[str]:
        """Names of all contenders in its scenarios."""
        return list(dict.fromkeys(name for scenario in self.scenarios for name in scenario.contender_names))


def over_stub(run_length: RunLength) -> Stage:
    """Scenarios of the orchestrator over the instant stub."""
    ours, shipped, plain = (
        contenders.QUIET_OVER_STUB,
        contenders.SHIPPED_OVER_STUB,
        contenders.STRAIGHTFORWARD_OVER_STUB,
    )
    seconds = run_length.seconds
    # With many callers the straightforward orchestrator needs a second per answer: too slow for a quick run.
    busy = (
        (ours, shipped, contenders.QUIET_OVER_STUB_2_WORKERS)
        if run_length.is_quick
        else (ours, shipped, plain, contenders.QUIET_OVER_STUB_2_WORKERS)
    )
    scenarios = [
        *(_connections((ours,), number, seconds) for number in run_length.connections if number != BUSY_CONNECTIONS),
        _connections(busy, BUSY_CONNECTIONS, seconds),
        *(_rows((contenders.STUB, ours, shipped), number, run_length.latency_seconds) for number in run_length.rows),
        *([] if run_length.is_quick else _log_cost((shipped, contenders.UNLOGGED_OVER_STUB), run_length)),
    ]
    return Stage("over the stub", scenarios)


def with_model(run_length: RunLength) -> Stage:
    """Scenarios of all contenders with the real model."""
    all_names = [contenders.OUR_MODEL_SERVER, contenders.STOCK_MLFLOW, contenders.OURS]
    if not run_length.is_quick:
        all_names += [
            contenders.STRAIGHTFORWARD,
            contenders.OURS_OVER_MLSERVER,
            contenders.LITSERVE,
            contenders.BENTOML,
        ]
    batch_names = [name for name in all_names if name not in (contenders.LITSERVE, contenders.BENTOML)]
    scenarios = [
        *(_connections(all_names, number, run_length.seconds) for number in run_length.connections),
        *(
            _rows(all_names if number == 1 else batch_names, number, run_length.latency_seconds)
            for number in run_length.rows
        ),
        Scenario("stream", (contenders.OURS,), lambda running: load.stream(running, houses=run_length.stream_houses)),
        Scenario(
            "batches at once", (contenders.OUR_MODEL_SERVER,), lambda running: _batches_at_once(running, run_length)
        ),
        Scenario("coalesced", (contenders.OURS,), _coalesced),
        *_log_cost((contenders.OURS, contenders.UNLOGGED), run_length),
    ]
    if not run_length.is_quick:
        scenarios += [
            Scenario("half of peak", (contenders.OURS,), lambda running: _half_of_peak(running, run_length)),
            Scenario("quiet", (contenders.OURS,), lambda running: _singles(running, run_length)),
            Scenario(
                "singles beside batches", (contenders.OURS,), lambda running: _singles_with_batches(running, run_length)
            ),
        ]
    return Stage("with the model", scenarios)


def _connections(names: Sequence[str], connections: int, seconds: int) -> Scenario:
    return Scenario(
        "connections",
        names,
        lambda running: load.closed_loop(running, connections=connections, seconds=seconds),
        connections,
    )


def _rows(names: Sequence[str], rows: int, seconds: float) -> Scenario:
    return Scenario("rows", names, lambda running: load.sequential(running, rows=rows, seconds=seconds), rows)


def _log_cost(with_and_without: Sequence[str], run_length: RunLength) -> Sequence[Scenario]:
    """Scenarios for the cost of the prediction log; all rounds together log at least 100,000 rows."""
    busy = Scenario(
        LOG_COST_BUSY,
        with_and_without,
        lambda running: load.closed_loop(running, connections=BUSY_CONNECTIONS, seconds=run_length.seconds),
    )
    seconds = run_length.latency_seconds / 2
    one_connection = Scenario(
        LOG_COST_ONE_CONNECTION, with_and_without, lambda running: load.sequential(running, rows=1, seconds=seconds)
    )
    repeats = 1 if run_length.is_quick else LOG_COST_REPEATS
    return [*[busy] * repeats, *[one_connection] * repeats]


def _batches_at_once(running: RunningContender, run_length: RunLength) -> Figures:
    """Measure the model server in batches of 1,000 with one caller and with two; the better rate counts."""
    figures = load.sequential(running, rows=BATCH_ROWS, seconds=run_length.latency_seconds)
    one_caller = figures["requests"] * BATCH_ROWS / figures["seconds"]
    with load.concurrent_batches(running, rows=BATCH_ROWS, seconds=run_length.latency_seconds) as second:
        first = load.sequential(running, rows=BATCH_ROWS, seconds=run_length.latency_seconds)
    two_callers = sum(caller["requests"] * BATCH_ROWS / caller["seconds"] for caller in (first, second))
    return {
        "rows_per_second": round(max(one_caller, two_callers), 1),
        "one_caller": round(one_caller, 1),
        "two_callers": round(two_callers, 1),
    }


def _coalesced(running: RunningContender) -> Figures:
    """Price houses uncoalesced and coalesced; compare both with the model's own prices, bit for bit."""
    uncoalesced = load.houses_sequentially(running, houses=UNCOALESCED_HOUSES)
    coalesced = load.houses_concurrently(running, connections=BUSY_CONNECTIONS)
    return {
        "uncoalesced": uncoalesced["checked"],
        "coalesced": coalesced["checked"],
        "different": uncoalesced["wrong"] + coalesced["wrong"],
    }


def _half_of_peak(running: RunningContender, run_length: RunLength) -> Figures:
    """Measure the peak rate, then send half of it on schedule."""
    peak = load.closed_loop(running, connections=BUSY_CONNECTIONS, seconds=run_length.seconds)["per_second"]
    figures = load.open_loop(running, rate=peak / 2, seconds=run_length.open_loop_seconds)
    return figures | {"peak_per_second": peak}


def _singles(running: RunningContender, run_length: RunLength) -> Figures:
    return load.open_loop(running, rate=QUIET_RATE, seconds=run_length.open_loop_seconds)


def _singles_with_batches(running: RunningContender, run_length: RunLength) -> Figures:
    # The batches start before the singles and end after them.
    seconds = run_length.open_loop_seconds + 1.5
    with load.concurrent_batches(running, rows=LARGEST_BATCH_ROWS, seconds=seconds) as batches:
        figures = _singles(running, run_length)
    return figures | {"batches": batches}


def rotated(names: Sequence[str], turn: int) -> Sequence[str]:
    """Return the names in an order that starts one name later with each turn."""
    start = turn % len(names)
    return [*names[start:], *names[:start]]


def run_round(
    stage: Stage, running: Mapping[str, RunningContender], number: int, report: Callable[[Sample], None]
) -> None:
    """Measure every scenario of a stage once."""
    for turn, scenario in enumerate(stage.scenarios):
        for name in rotated(scenario.contender_names, number + turn):
            sample = {"stage": stage.name, "scenario": scenario.name, "contender": name, "x": scenario.level}
            try:
                figures = scenario.measure(running[name])
            except load.WrongAnswer as error:
                report(sample | {"round": number, "problem": str(error)})
            else:
                report(sample | {"round": number, "figures": figures})
