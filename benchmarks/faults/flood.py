"""Batches as large as they may be, as many as go, beside single houses."""

from benchmarks.faults.arena import Arena

RATE = 100.0
BATCH_ROWS = 10_000
BATCHES_PER_SECOND = 4.0
"""More than the model server can price: 10,000 houses take about 0.4 s of both cores."""

ADDED_MS = 100.0


def flood(arena: Arena) -> None:
    """A flood of batches of 10,000 beside 100/s singles."""
    _, orchestrator = arena.in_front()
    expected = arena.expected
    arena.warm_up(orchestrator, expected)
    rows = 1_000 if arena.is_quick else BATCH_ROWS
    seconds = arena.lasting(20, 1.5)
    with arena.load(orchestrator, expected, rate=RATE, seconds=arena.lasting(10, 0.5), name="quiet") as load:
        quiet = load.finish()
    options = {"rate": BATCHES_PER_SECOND, "seconds": seconds + 1, "rows": rows, "name": "batches"}
    with (
        arena.load(orchestrator, expected, **options) as batch_load,
        arena.load(orchestrator, expected, rate=RATE, seconds=seconds, name="singles") as load,
    ):
        singles, batches = load.finish(), batch_load.finish()
    found = arena.findings
    found.figures |= {"quiet": quiet.summary, "beside": singles.summary, "batches": batches.summary}
    found.none("singles without a price", singles.failed)
    found.at_most("p99 of singles", singles.p99_ms, (quiet.p99_ms or 0.0) + ADDED_MS, "ms")
    found.none("batches that are neither priced nor 503 or 504", batches.unlike(200, 503, 504))
    found.holds("some batches are priced", "> 0", batches.statuses, bool(len(batches.priced)))
    found.none("wrong prices", [*quiet.wrong, *singles.wrong, *batches.wrong])
