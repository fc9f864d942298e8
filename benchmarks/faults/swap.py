"""The served model is replaced under load: at one address, or at two addresses one after the other."""

import signal
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from benchmarks import model, reference_prices
from benchmarks.clients.verdicts import MIXED, WRONG
from benchmarks.faults.testbed import Testbed
from benchmarks.processes import Server

RATE: Final = 100.0
BATCH_RATE: Final = 4.0
BATCH_ROWS: Final = 1_500
"""Large enough for at least three calls, which can go to different model servers."""

MAX_LOAD_SECONDS: Final = 120.0


def swap(testbed: Testbed) -> None:
    """The model at one address is replaced, during singles and batches of 1,500."""
    _swap_models(testbed, addresses=1)


def rolling_swap(testbed: Testbed) -> None:
    """Two model servers are replaced one after the other, so that they serve different models meanwhile."""
    _swap_models(testbed, addresses=2)


def _swap_models(testbed: Testbed, *, addresses: int) -> None:
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
        _replace_servers(testbed, servers, after)
        singles, batched = load.stop(), batch_load.stop()
    findings = testbed.findings
    everything = [*singles, *batched]
    findings.figures |= {"singles": singles.summary, "batches": batched.summary}
    for name in (old, new):
        priced = sum(request.model == name for request in everything)
        findings.expect(f"prices by {name}", "> 0", priced, priced > 0)
    findings.expect_none("answers that mix two models", [request for request in everything if request.verdict == MIXED])
    findings.expect_none(
        "prices that differ from those of their model", [request for request in everything if request.verdict == WRONG]
    )
    findings.expect_none("requests without a complete answer", [*singles.unanswered, *batched.unanswered])
    findings.expect_none(
        "answers other than a price, 503 or 504",
        [*singles.other_than(200, 503, 504), *batched.other_than(200, 503, 504)],
    )
    if addresses > 1:
        # One model server is always running.
        findings.expect_none("singles without a price", singles.failed)


def _replace_servers(testbed: Testbed, servers: Sequence[Server], export: Path) -> None:
    for server in servers:
        server.send_signal(signal.SIGTERM)
        server.wait(10)
        testbed.start_model_server(server.port, export=export).wait_until_ready(0.02)
        time.sleep(testbed.duration(2, 0.5))
