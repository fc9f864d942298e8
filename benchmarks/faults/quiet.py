"""Nothing is broken."""

from benchmarks.faults.arena import Arena

RATE = 200.0


def quiet(arena: Arena) -> None:
    """200/s, and no fault."""
    _, orchestrator = arena.in_front()
    arena.warm_up(orchestrator, arena.expected)
    with arena.load(orchestrator, arena.expected, rate=RATE, seconds=arena.lasting(60, 1)) as load:
        seen = load.finish()
    found = arena.findings
    found.figures |= seen.summary
    found.none("requests without a price", seen.failed)
    found.none("wrong prices", seen.wrong)
    found.at_most("p99", seen.p99_ms, 100, "ms")
