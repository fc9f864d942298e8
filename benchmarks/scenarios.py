"""What is measured: each scenario names its contenders and what is asked of them.

Scenarios that need the same servers stand in one stage. In each round every scenario asks all its contenders, one after
the other and in another order each time, so that whatever the machine does meanwhile meets all of them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from benchmarks import contenders as who
from benchmarks import load
from benchmarks.load import Figures
from benchmarks.running_contenders import RunningContender

CONNECTIONS: Final = (1, 8, 32, 128, 256)
ROWS: Final = (1, 10, 100, 1_000, 10_000)
BUSY_CONNECTIONS: Final = 128
BATCH_ROWS: Final = 1_000
LARGEST_BATCH_ROWS: Final = 10_000
STREAM_HOUSES: Final = 100_000
QUIET_RATE: Final = 100.0
HOUSES_ALONE: Final = 200
LOGGED_BUSY: Final = "prediction log, busy"
LOGGED_ONE: Final = "prediction log, one"
LOGGED_SLICES: Final = 4
"""So many in a round, because what a machine can do may change by more than the log costs within a minute."""


@dataclass(frozen=True)
class Effort:
    """How long is measured."""

    rounds: int
    seconds: int
    latency_seconds: float
    open_loop_seconds: float
    stream_houses: int
    connections: Sequence[int] = CONNECTIONS
    rows: Sequence[int] = ROWS
    is_quick: bool = False


FULL: Final = Effort(rounds=3, seconds=3, latency_seconds=1.5, open_loop_seconds=6, stream_houses=STREAM_HOUSES)
QUICK: Final = Effort(
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
    """One measurement of several contenders.

    Attributes:
        name: What it is called in results.
        names: The contenders.
        measure: Measures one of them.
        x: What it is measured at: connections, rows or nothing.
    """

    name: str
    names: Sequence[str]
    measure: Measure
    x: int | None = None


@dataclass(frozen=True)
class Stage:
    """Scenarios that share their servers."""

    name: str
    scenarios: Sequence[Scenario]

    @property
    def names(self) -> Sequence[str]:
        """Who is measured in one of them."""
        return list(dict.fromkeys(name for scenario in self.scenarios for name in scenario.names))


def alone(effort: Effort) -> Stage:
    """The orchestrator over the instant stub."""
    ours, shipped, plain = who.QUIET_ALONE, who.SHIPPED_ALONE, who.PLAIN_ALONE
    seconds = effort.seconds
    # With many callers the straightforward one answers first after a second: too late for a quick look.
    busy = (ours, shipped, who.QUIET_ALONE_2) if effort.is_quick else (ours, shipped, plain, who.QUIET_ALONE_2)
    scenarios = [
        *(_connections((ours,), number, seconds) for number in effort.connections if number != BUSY_CONNECTIONS),
        _connections(busy, BUSY_CONNECTIONS, seconds),
        *(_rows((who.STUB, ours, shipped), number, effort.latency_seconds) for number in effort.rows),
        *([] if effort.is_quick else _logged((shipped, who.UNLOGGED_ALONE), effort)),
    ]
    return Stage("alone", scenarios)


def with_model(effort: Effort) -> Stage:
    """Everybody with the real model."""
    everybody = [who.SERVE, who.STOCK, who.OURS]
    if not effort.is_quick:
        everybody += [who.PLAIN, who.OURS_MLSERVER, who.LITSERVE, who.BENTOML]
    several = [name for name in everybody if name not in (who.LITSERVE, who.BENTOML)]
    scenarios = [
        *(_connections(everybody, number, effort.seconds) for number in effort.connections),
        *(_rows(everybody if number == 1 else several, number, effort.latency_seconds) for number in effort.rows),
        Scenario("stream", (who.OURS,), lambda running: load.stream(running, houses=effort.stream_houses)),
        Scenario("batches at once", (who.SERVE,), lambda running: _batches_at_once(running, effort)),
        Scenario("coalesced", (who.OURS,), _coalesced),
        *_logged((who.OURS, who.UNLOGGED), effort),
    ]
    if not effort.is_quick:
        scenarios += [
            Scenario("half of peak", (who.OURS,), lambda running: _half_of_peak(running, effort)),
            Scenario("quiet", (who.OURS,), lambda running: _singles(running, effort)),
            Scenario("batches beside", (who.OURS,), lambda running: _singles_beside_batches(running, effort)),
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


def _logged(with_and_without: Sequence[str], effort: Effort) -> Sequence[Scenario]:
    """What the prediction log costs; in all rounds together, 100,000 rows and more are logged."""
    busy = Scenario(
        LOGGED_BUSY,
        with_and_without,
        lambda running: load.closed_loop(running, connections=BUSY_CONNECTIONS, seconds=effort.seconds),
    )
    seconds = effort.latency_seconds / 2
    one = Scenario(LOGGED_ONE, with_and_without, lambda running: load.sequential(running, rows=1, seconds=seconds))
    slices = 1 if effort.is_quick else LOGGED_SLICES
    return [*[busy] * slices, *[one] * slices]


def _batches_at_once(running: RunningContender, effort: Effort) -> Figures:
    """What the model server prices in batches of 1,000: with one caller and with two, the better counts."""
    figures = load.sequential(running, rows=BATCH_ROWS, seconds=effort.latency_seconds)
    alone = figures["requests"] * BATCH_ROWS / figures["seconds"]
    with load.batches_beside(running, rows=BATCH_ROWS, seconds=effort.latency_seconds) as beside:
        first = load.sequential(running, rows=BATCH_ROWS, seconds=effort.latency_seconds)
    both = sum(one["requests"] * BATCH_ROWS / one["seconds"] for one in (first, beside))
    return {"rows_per_second": round(max(alone, both), 1), "one_caller": round(alone, 1), "two_callers": round(both, 1)}


def _coalesced(running: RunningContender) -> Figures:
    """Ask for houses one by one, and for every house among many; both are compared with the model, bit for bit."""
    alone = load.houses_sequentially(running, houses=HOUSES_ALONE)
    together = load.houses_concurrently(running, connections=BUSY_CONNECTIONS)
    return {
        "alone": alone["checked"],
        "coalesced": together["checked"],
        "different": alone["wrong"] + together["wrong"],
    }


def _half_of_peak(running: RunningContender, effort: Effort) -> Figures:
    """Find the most that goes, then send half of it on schedule."""
    peak = load.closed_loop(running, connections=BUSY_CONNECTIONS, seconds=effort.seconds)["per_second"]
    figures = load.open_loop(running, rate=peak / 2, seconds=effort.open_loop_seconds)
    return figures | {"peak_per_second": peak}


def _singles(running: RunningContender, effort: Effort) -> Figures:
    return load.open_loop(running, rate=QUIET_RATE, seconds=effort.open_loop_seconds)


def _singles_beside_batches(running: RunningContender, effort: Effort) -> Figures:
    # The batches start first and end last.
    seconds = effort.open_loop_seconds + 1.5
    with load.batches_beside(running, rows=LARGEST_BATCH_ROWS, seconds=seconds) as batches:
        figures = _singles(running, effort)
    return figures | {"batches": batches}


def in_turn(names: Sequence[str], turn: int) -> Sequence[str]:
    """Start with another contender each time."""
    start = turn % len(names)
    return [*names[start:], *names[:start]]


def run_round(
    stage: Stage, running: Mapping[str, RunningContender], number: int, report: Callable[[Sample], None]
) -> None:
    """Measure every scenario of a stage once."""
    for turn, scenario in enumerate(stage.scenarios):
        for name in in_turn(scenario.names, number + turn):
            sample = {"stage": stage.name, "scenario": scenario.name, "contender": name, "x": scenario.x}
            try:
                figures = scenario.measure(running[name])
            except load.WrongAnswer as error:
                report(sample | {"round": number, "problem": str(error)})
            else:
                report(sample | {"round": number, "figures": figures})
