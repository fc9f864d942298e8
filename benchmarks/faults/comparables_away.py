"""The comparables server fails while houses are valued: each valuation has its price, and says what is missing."""

import signal
import time
from typing import Final

from benchmarks.clients.wire import OK
from benchmarks.faults.stub_calls import SECRET
from benchmarks.faults.stub_comparables import INVALID_COMPARABLES
from benchmarks.faults.testbed import MAX_ANSWER_MS, Testbed
from benchmarks.faults.valuation_load import (
    MAX_RECOVERY_MS,
    judge,
    observe,
    start_service,
    start_service_of_stubs,
)

READY_POLL_SECONDS: Final = 0.02
SLOW_SECONDS: Final = 1.5
SETTLING_SECONDS: Final = 0.25
"""Time until the circuit of a server that refuses connections is open."""
SETTLING_WHEN_SILENT_SECONDS: Final = 2.5
"""Time until the circuit of a server that does not answer is open."""
NONSENSE_UNDER_LOAD: Final = "a negative sale price"


def comparables_killed(testbed: Testbed) -> None:
    """SIGKILL of the comparables server at 100 valuations/s without explanation; a new one starts 5 s later."""
    service = start_service(testbed)
    server = service.comparables_server

    def kill() -> None:
        server.send_signal(signal.SIGKILL)
        server.wait(5)

    def restart() -> None:
        testbed.start_any_comparables_server(server.port).wait_until_ready(READY_POLL_SECONDS)

    judge(
        service,
        observe(service, kill, restart, seconds_away=testbed.duration(5, 1)),
        settling_seconds=SETTLING_SECONDS,
    )


def comparables_stopped(testbed: Testbed) -> None:
    """SIGSTOP of the comparables server for 10 s at 100 valuations/s without explanation, then SIGCONT."""
    service = start_service(testbed)
    server = service.comparables_server

    def go_on() -> None:
        server.send_signal(signal.SIGCONT)
        server.wait_until_ready(READY_POLL_SECONDS)

    try:
        seen = observe(service, lambda: server.send_signal(signal.SIGSTOP), go_on, seconds_away=testbed.duration(10, 4))
    finally:
        server.send_signal(signal.SIGCONT)
    judge(service, seen, settling_seconds=SETTLING_WHEN_SILENT_SECONDS)


def comparables_slow(testbed: Testbed) -> None:
    """The comparables server answers after 1.5 s for 10 s, at 100 valuations/s without explanation."""
    service, stub = start_service_of_stubs(testbed)

    def hurry() -> None:
        stub.set_behaviour("good")
        # The server is ready when the calls in flight have ended.
        time.sleep(SLOW_SECONDS)

    seen = observe(
        service,
        lambda: stub.set_behaviour("good", seconds=SLOW_SECONDS),
        hurry,
        seconds_away=testbed.duration(10, 4),
    )
    judge(service, seen, settling_seconds=SETTLING_WHEN_SILENT_SECONDS)


def comparables_nonsense(testbed: Testbed) -> None:
    """The comparables server answers nonsense, at 100 valuations/s; then every kind of nonsense, one at a time."""
    service, stub = start_service_of_stubs(testbed)
    seen = observe(
        service,
        lambda: stub.set_behaviour(NONSENSE_UNDER_LOAD),
        lambda: stub.set_behaviour("good"),
        seconds_away=testbed.duration(10, 1),
    )
    judge(service, seen, settling_seconds=SETTLING_SECONDS)
    believed: list[str] = []
    leaked: list[str] = []
    for kind in INVALID_COMPARABLES:
        # The previous kind may have opened the circuit; wait until it is closed again.
        stub.set_behaviour("good")
        service.wait_until_complete()
        stub.set_behaviour(kind)
        status, document, text = service.value()
        is_price_alone = status == OK and document["comparables"] is None and document["value"]["method"] == "price"
        believed += [] if is_price_alone and document["problems"] else [f"{kind}: {status} {text[-200:]}"]
        leaked += [kind] if SECRET in text else []
    count = len(INVALID_COMPARABLES)
    testbed.findings.figures |= {"kinds": list(INVALID_COMPARABLES)}
    testbed.findings.expect_none(f"kinds of nonsense (of {count}) without the price alone and a problem", believed)
    testbed.findings.expect_none(f"kinds of nonsense (of {count}) whose text reaches callers", leaked)


def valuations_without_prices(testbed: Testbed) -> None:
    """SIGKILL of the price server at 100 valuations/s without explanation; a new one starts 3 s later."""
    service = start_service(testbed)
    server, findings = service.price_server, testbed.findings
    reference = service.reference()
    with service.start_load(reference) as load:
        time.sleep(testbed.duration(3, 0.5))
        server.send_signal(signal.SIGKILL)
        killed_at = time.monotonic()
        server.wait(5)
        time.sleep(testbed.duration(3, 0.5))
        testbed.start_any_model_server(server.port).wait_until_ready(READY_POLL_SECONDS)
        ready_at = time.monotonic()
        time.sleep(testbed.duration(5, 1))
        records = load.stop()
    after = records.due_between(ready_at)
    findings.figures |= records.summary
    findings.expect_none("answers other than 200, 503 and 504", records.other_than(OK, 503, 504))
    findings.expect_none("errors other than 503", records.failed.other_than(503), is_figure=True)
    findings.expect_none("503 without Retry-After", records.without_retry_after)
    findings.expect_none("wrong or mixed valuations", records.wrong)
    findings.expect_none(
        "valuations without a price server",
        records.due_between(killed_at + SETTLING_SECONDS, ready_at).where(
            lambda request: request.status == OK and (request.ended or 0) < ready_at
        ),
    )
    findings.expect_at_most("longest response time", records.max_ms, MAX_ANSWER_MS, "ms")
    error_times_ms = [(request.due - ready_at) * 1000 for request in after.failed]
    findings.expect_at_most("last error after the restart", max(error_times_ms, default=0.0), MAX_RECOVERY_MS, "ms")
    findings.expect("valuations after the restart", "> 0", len(after.complete), bool(len(after.complete)))
