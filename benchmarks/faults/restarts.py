"""The orchestrator is stopped under load: alone, and as one of two behind a proxy."""

import shutil
import signal
import time
from typing import Final

from benchmarks.clients.timeline import DISCONNECTED, NO_ANSWER, REFUSED
from benchmarks.faults.testbed import Testbed
from benchmarks.nginx import nginx_command
from benchmarks.paths import STATE
from benchmarks.processes import Server, free_port

RATE: Final = 100.0
PREDICT: Final = b'"path":"/api/v1/price/predict"'
MAX_EXIT_SECONDS: Final = 10.0
MAX_LOAD_SECONDS: Final = 120.0

_PROXY: Final = """
  upstream orchestrators {{
    server 127.0.0.1:{first} max_fails=0;
    server 127.0.0.1:{second} max_fails=0;
    keepalive 16;
  }}
  server {{
    listen 127.0.0.1:{port};
    location = /ping {{ return 200; }}
    location / {{
      proxy_pass http://orchestrators;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $http_host;
      # Pricing has no side effects, so a request can be retried when an orchestrator is stopping.
      proxy_next_upstream error timeout http_503 non_idempotent;
      proxy_connect_timeout 1s;
    }}
  }}
"""


def stopping(testbed: Testbed) -> None:
    """SIGTERM to the orchestrator at 100/s."""
    _, orchestrator = testbed.start_orchestrator_and_model_server()
    with testbed.start_load(
        orchestrator, testbed.expected, rate=RATE, seconds=testbed.duration(2, 0.3), name="warm-up"
    ) as load:
        warmed = load.finish()
    with testbed.start_load(orchestrator, testbed.expected, rate=RATE, seconds=testbed.duration(6, 1.5)) as load:
        time.sleep(testbed.duration(3, 0.5))
        exit_seconds, status = _stop(orchestrator)
        records = load.finish()
    # The log contains every accepted request. A request on a closing connection is not accepted.
    accepted = sum(PREDICT in line for line in orchestrator.log.read_bytes().splitlines())
    answered = sum(len(timeline.other_than(REFUSED, DISCONNECTED, NO_ANSWER)) for timeline in (warmed, records))
    findings = testbed.findings
    findings.figures |= records.summary | {
        "exit_seconds": exit_seconds,
        "accepted": accepted,
        "unanswered": len(records.unanswered),
    }
    findings.expect_at_most("accepted requests without a complete answer", accepted - answered, 0, "")
    findings.expect("accepted requests", "> 0", accepted, accepted > 0)
    findings.expect_none("wrong prices", records.wrong)
    findings.expect_none("errors other than 503", records.other_than(REFUSED, DISCONNECTED, NO_ANSWER, 200, 503))
    findings.expect_at_most("time to exit", exit_seconds, MAX_EXIT_SECONDS, "s")
    findings.expect("exit status", "0", status, status == 0)


def rolling(testbed: Testbed) -> None:
    """Two orchestrators behind nginx at 100/s, restarted one after the other."""
    model_server = testbed.start_any_model_server()
    model_server.wait_until_ready()
    first, second = (testbed.start_orchestrator(model_server.port) for _ in range(2))
    proxy = _start_proxy(testbed, first, second)
    testbed.warm_up(proxy, testbed.expected)
    statuses = []
    with testbed.start_load(proxy, testbed.expected, rate=RATE, seconds=MAX_LOAD_SECONDS) as load:
        time.sleep(testbed.duration(2, 0.5))
        for orchestrator in (first, second):
            statuses.append(_stop(orchestrator)[1])
            testbed.start_orchestrator(model_server.port, port=orchestrator.port)
        time.sleep(testbed.duration(2, 0.5))
        records = load.stop()
    findings = testbed.findings
    findings.figures |= records.summary
    findings.expect_none("failed requests", records.failed)
    findings.expect_none("wrong prices", records.wrong)
    findings.expect("exit statuses", "0", statuses, set(statuses) == {0})


def has_nginx() -> bool:
    """Return whether nginx is installed."""
    return shutil.which("nginx") is not None


def _start_proxy(testbed: Testbed, first: Server, second: Server) -> Server:
    port = free_port()
    folder = STATE / "nginx" / str(port)
    folder.mkdir(parents=True, exist_ok=True)
    command = nginx_command(folder, _PROXY.format(port=port, first=first.port, second=second.port))
    proxy = testbed.start_server("proxy", command, port, "/ping")
    proxy.wait_until_ready()
    return proxy


def _stop(orchestrator: Server) -> tuple[float, int | None]:
    orchestrator.send_signal(signal.SIGTERM)
    signalled_at = time.monotonic()
    status = orchestrator.wait(2 * MAX_EXIT_SECONDS)
    return time.monotonic() - signalled_at, status
