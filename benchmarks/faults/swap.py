"""The model server's model is exchanged under load: at one address, and at one of two after the other."""

import signal
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks import model, oracle
from benchmarks.clients.judging import MIXED, WRONG
from benchmarks.faults.arena import Arena
from benchmarks.processes import Server

RATE = 100.0
BATCH_RATE = 4.0
BATCH_ROWS = 1_500
"""Three calls at the least, which may go to different model servers."""

LONGEST_SECONDS = 120.0


def swap(arena: Arena) -> None:
    """Another model at the same address, beside singles and batches of 1,500."""
    _swapped(arena, addresses=1)


def rolling_swap(arena: Arena) -> None:
    """Two model servers, exchanged one after the other: meanwhile they serve different models."""
    _swapped(arena, addresses=2)


def _swapped(arena: Arena, *, addresses: int) -> None:
    before, after = arena.export, arena.other_export
    old, new = model.identity(before), model.identity(after)
    expected = {old: oracle.of_model(before), new: oracle.of_model(after)}
    servers = [arena.model_server(export=before) for _ in range(addresses)]
    for server in servers:
        server.wait_until_ready()
    orchestrator = arena.orchestrator(*(server.port for server in servers))
    arena.warm_up(orchestrator, expected)
    batches = {"rate": BATCH_RATE, "seconds": LONGEST_SECONDS, "rows": BATCH_ROWS, "name": "batches"}
    with (
        arena.load(orchestrator, expected, rate=RATE, seconds=LONGEST_SECONDS, name="singles") as load,
        arena.load(orchestrator, expected, **batches) as batch_load,
    ):
        time.sleep(arena.lasting(2, 0.5))
        _exchange(arena, servers, after)
        singles, batched = load.stop(), batch_load.stop()
    found = arena.findings
    everything = [*singles, *batched]
    found.figures |= {"singles": singles.summary, "batches": batched.summary}
    for name in (old, new):
        priced = sum(one.model == name for one in everything)
        found.holds(f"prices by {name}", "> 0", priced, priced > 0)
    found.none("answers that mix two models", [one for one in everything if one.verdict == MIXED])
    found.none("prices that their model does not say", [one for one in everything if one.verdict == WRONG])
    found.none("requests broken off or without an answer", [*singles.unanswered, *batched.unanswered])
    found.none("other answers", [*singles.unlike(200, 503, 504), *batched.unlike(200, 503, 504)])
    if addresses > 1:
        # One of them is always there.
        found.none("singles without a price", singles.failed)


def _exchange(arena: Arena, servers: Sequence[Server], export: Path) -> None:
    for server in servers:
        server.send(signal.SIGTERM)
        server.ended(10)
        arena.model_server(server.port, export=export).wait_until_ready(0.02)
        time.sleep(arena.lasting(2, 0.5))
