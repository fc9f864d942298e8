"""More is asked than the model server can price."""

import time

from benchmarks.clients.wire import OK
from benchmarks.faults.arena import LATEST_MS, Arena
from benchmarks.faults.watch import Usage

ROWS_PER_SECOND = 500
OFFERED = 2_000.0
NORMAL_RATE = 100.0
GOODPUT = 0.9
NORMAL_AGAIN_SECONDS = 5.0
NORMAL_MS = 100.0
LOAD_START_SECONDS = 1.0
"""What it takes a load to begin."""


def overload(arena: Arena) -> None:
    """2,000/s for 30 s at a model server that prices 500 rows/s, one call after the other."""
    stub = arena.stub()
    orchestrator = arena.orchestrator(stub.port)
    expected = arena.expected_of_stub
    arena.warm_up(orchestrator, expected)
    stub.behave("limited", rows_per_second=ROWS_PER_SECOND)
    seconds = arena.lasting(30, 2)
    with Usage(orchestrator) as usage, arena.load(orchestrator, expected, rate=OFFERED, seconds=seconds) as load:
        time.sleep(max(0.0, load.started + seconds - LOAD_START_SECONDS - time.monotonic()))
        # It begins when the overload ends, not when the last answer to it is there.
        options = {"rate": NORMAL_RATE, "seconds": arena.lasting(10, 2) + LOAD_START_SECONDS, "name": "afterwards"}
        with arena.load(orchestrator, expected, **options) as calm:
            seen, after = load.finish(), calm.finish()
    over_at = load.started + seconds
    after = after.due(over_at)
    priced = seen.priced
    refused = seen.failed
    in_time = priced.where(lambda one: one.ended is not None and one.ended <= over_at)
    not_normal = after.where(lambda one: one.status != OK or one.seconds * 1000 > NORMAL_MS)
    normal_after = max((one.due - over_at for one in not_normal), default=0.0)
    found = arena.findings
    found.figures |= seen.summary | {"afterwards": after.summary, "refused_p99_ms": refused.p99_ms}
    found.at_least("goodput", len(in_time) / seconds, GOODPUT * ROWS_PER_SECOND, "/s")
    found.at_most("refusals, p99", refused.p99_ms, 50, "ms")
    found.at_most("the latest answer", seen.max_ms, LATEST_MS, "ms")
    found.at_most("memory grown", usage.grown_mib, 100, "MiB")
    found.at_most("normal again (all priced, each within 100 ms) after", normal_after, NORMAL_AGAIN_SECONDS, "s")
    found.none("answers that are neither a price nor 503 or 504", seen.unlike(200, 503, 504))
    found.none("503 without Retry-After", refused.hopeless)
    found.none("wrong prices", seen.wrong)
    found.holds("some are refused, some are priced", "> 0", seen.statuses, bool(len(priced) and len(refused)))
