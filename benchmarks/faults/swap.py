"""The model server's model is exchanged under load: at one address, and at one of two after the other."""

import signal
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks import model, reference_prices
from benchmarks.clients.verdicts import MIXED, WRONG
from benchmarks.faults.testbed import Testbed
from benchmarks.processes import Server

RATE = 100.0
BATCH_RATE = 4.0
BATCH_ROWS = 1_500
"""Three calls at the least, which may go to different model servers."""

MAX_LOAD_SECONDS = 120.0


def swap(testbed: Testbed) -> None:
    """Another model at the same address, beside singles and batches of 1,500."""
    _swapped(testbed, addresses=1)


def rolling_swap(testbed: Testbed) -> None:
    """Two model servers, exchanged one after the other: meanwhile they serve different models."""
    _swapped(testbed, addresses=2)


def _swapped(testbed: Testbed, *, addresses: int) -> None:
    before, after = testbed.export, testbed.other_export
    old, new = model.model_id(before), model.model_id(after)
    expected = {old: reference_prices.of_model(before), new: reference_prices.of_model(after)}
    servers = [testbed.start_model_server(export=before) for _ in range(addresses)]
    for server in servers:
        server.wait_until_ready()
    orchestrator = testbed.start_orchestrator(*(server.port for server in servers))
    testbed.warm_up(orchestrator, expected)
    batches = {"rate": BATCH_RATE, "seconds": MAX_LOAD_SECONDS, "rows": BATCH_ROWS, "name": "batches"}
    with (
        testbed.start_load(orchestrator, expected, rate=RATE, seconds=MAX_LOAD_SECONDS, name="singles") as load,
        testbed.start_load(orchestrator, expected, **batches) as batch_load,
    ):
        time.sleep(testbed.duration(2, 0.5))
        _exchange(testbed, servers, after)
        singles, batched = load.stop(), batch_load.stop()
    found = testbed.findings
    everything = [*singles, *batched]
    found.figures |= {"singles": singles.summary, "batches": batched.summary}
    for name in (old, new):
        priced = sum(one.model == name for one in everything)
        found.expect(f"prices by {name}", "> 0", priced, priced > 0)
    found.expect_none("answers that mix two models", [request for request in everything if request.verdict == MIXED])
    found.expect_none(
        "prices that their model does not say", [request for request in everything if request.verdict == WRONG]
    )
    found.expect_none("requests broken off or without an answer", [*singles.unanswered, *batched.unanswered])
    found.expect_none("other answers", [*singles.other_than(200, 503, 504), *batched.other_than(200, 503, 504)])
    if addresses > 1:
        # One of them is always there.
        found.expect_none("singles without a price", singles.failed)


def _exchange(testbed: Testbed, servers: Sequence[Server], export: Path) -> None:
    for server in servers:
        server.send_signal(signal.SIGTERM)
        server.wait(10)
        testbed.start_model_server(server.port, export=export).wait_until_ready(0.02)
        time.sleep(testbed.duration(2, 0.5))
