"""Generates load in separate processes: wrk for throughput, Python clients for latencies and correctness."""

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from benchmarks.houses import bodies_file
from benchmarks.paths import BENCHMARKS, REPOSITORY
from benchmarks.processes import environment
from benchmarks.resource_usage import CpuUsage, MemoryGrowth
from benchmarks.running_contenders import RunningContender

WRK_SCRIPT: Final = BENCHMARKS / "clients" / "predict.lua"
CHECK_PAUSE_SECONDS: Final = 0.05
CLIENT_GRACE_SECONDS: Final = 120.0
CLIENT_START_SECONDS: Final = 0.3
MAX_SMALL_BATCH_ROWS: Final = 100
RAMP_SHARE: Final = 1 / 3
WRK_START_SECONDS: Final = 0.1

type Figures = dict[str, Any]


class WrongAnswer(RuntimeError):
    """A server answered wrong or with an error, so the figures are invalid."""


def closed_loop(running: RunningContender, *, connections: int, seconds: int) -> Figures:
    """Request single houses in a closed loop over this many connections, while a second client checks answers.

    Returns requests per second, latencies, and CPU seconds per 1,000 requests. Only the latencies include the first
    third of the time, because a slow server with many callers delays its first answers.
    """
    contender = running.contender
    path, request_bodies = contender.request_format.path(1), bodies_file(contender.request_format, 1)
    begin, end = seconds * RAMP_SHARE, float(seconds)
    command = ["wrk", "--threads", "1", "--connections", str(connections), "--duration", f"{seconds}s"]
    command += ["--timeout", "60s", "--script", str(WRK_SCRIPT), f"http://127.0.0.1:{running.server.port}{path}"]
    command += ["--", str(request_bodies), contender.marker, str(begin), str(end)]
    with _checking_client(running, seconds) as check:
        # wrk writes three lines, which fit into the pipe while this process sleeps.
        wrk = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY)  # noqa: S603 - built above
        try:
            time.sleep(WRK_START_SECONDS + begin)
            cpu = CpuUsage(running)
            time.sleep(end - begin)
            own, total = cpu.per_second()
            output, _ = wrk.communicate(timeout=CLIENT_GRACE_SECONDS)
        finally:
            wrk.kill()
        if wrk.returncode:
            raise WrongAnswer(f"wrk exited with {wrk.returncode}: {output}")
        figures: Figures = json.loads(output.splitlines()[-1])
    _require_correct(f"{contender.name}, {connections} connections", figures)
    running.wait_until_idle()
    thousands_per_second = max(figures["per_second"], 1e-3) / 1000
    return figures | {
        "cpu_seconds_per_1000": round(total / thousands_per_second, 4),
        "own_cpu_seconds_per_1000": round(own / thousands_per_second, 4),
        "checked": check["checked"],
    }


def warm_up(running: RunningContender, *, connections: int, seconds: int) -> None:
    """Warm up a contender: code paths, connection pools, and BentoML's adaptive batching."""
    closed_loop(running, connections=connections, seconds=seconds)
    if running.contender.request_format.batch_body is not None:
        sequential(running, rows=100, seconds=0.2)


def sequential(running: RunningContender, *, rows: int, seconds: float) -> Figures:
    """Send requests of `rows` houses one after the other; returns latencies without those of the warm-up requests."""
    warm_up_requests = 5 if rows <= MAX_SMALL_BATCH_ROWS else 1
    limits = ["--seconds", str(seconds), "--warm-up-requests", str(warm_up_requests)]
    return _client("sequential", running, rows, *limits)


def houses_sequentially(running: RunningContender, *, houses: int) -> Figures:
    """Request `houses` single houses one after the other, so that none are coalesced."""
    return _client("sequential", running, 1, "--requests", str(houses))


def houses_concurrently(running: RunningContender, *, connections: int) -> Figures:
    """Request every house of the survey once, from many concurrent callers."""
    return _client("concurrent_callers", running, 1, "--connections", str(connections))


def open_loop(running: RunningContender, *, rate: float, seconds: float) -> Figures:
    """Request single houses at a fixed rate; latency counts from the scheduled time."""
    return _client("open_loop", running, 1, "--rate", str(rate), "--seconds", str(seconds))


def stream(running: RunningContender, *, houses: int) -> Figures:
    """Stream houses over one connection; returns rows per second and the growth of the server's memory."""
    memory = MemoryGrowth(running.server)
    with memory:
        figures = _client("stream", running, 1, "--houses", str(houses), path="/api/v1/price/predict/stream")
    return figures | {"grown_mib": round(memory.growth_bytes / 2**20, 1)}


@contextlib.contextmanager
def concurrent_batches(running: RunningContender, *, rows: int, seconds: float) -> Iterator[Figures]:
    """Send batches one after the other while the block runs; yields figures that are filled in when it ends."""
    figures: Figures = {}
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(_client, "sequential", running, rows, "--seconds", str(seconds))
        yield figures
        figures.update(future.result())


@contextlib.contextmanager
def _checking_client(running: RunningContender, seconds: float) -> Iterator[Figures]:
    """Run one more client at a low rate that compares every answer with the model's own prediction."""
    command = _client_command("sequential", running, 1, None)
    command += ["--pause-seconds", str(CHECK_PAUSE_SECONDS), "--seconds", str(seconds)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY)  # noqa: S603 - this package's client
    figures: Figures = {}
    try:
        time.sleep(CLIENT_START_SECONDS)
        yield figures
        output, _ = process.communicate(timeout=CLIENT_GRACE_SECONDS)
    finally:
        process.kill()
    figures.update(json.loads(output or '{"errors": 1, "first_problem": "the checking client failed"}'))
    _require_correct(f"{running.contender.name}, checked under load", figures)


def _client(module: str, running: RunningContender, rows: int, *options: str, path: str | None = None) -> Figures:
    figures: Figures = json.loads(_output_of([*_client_command(module, running, rows, path), *options]))
    _require_correct(f"{running.contender.name}, {module}, {rows} houses", figures)
    return figures


def _client_command(module: str, running: RunningContender, rows: int, path: str | None) -> list[str]:
    request_format = running.contender.request_format
    return [
        *(sys.executable, "-m", f"benchmarks.clients.{module}"),
        *("--port", str(running.server.port), "--path", path or request_format.path(rows)),
        *("--bodies", str(bodies_file(request_format, rows)), "--rows", str(rows), "--expected", str(running.expected)),
    ]


def _output_of(command: list[str]) -> str:
    try:
        run = subprocess.run(  # noqa: S603 - wrk and this package's own clients
            command,
            capture_output=True,
            text=True,
            cwd=REPOSITORY,
            env=environment(),
            timeout=CLIENT_GRACE_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise WrongAnswer(f"{' '.join(command)} did not end within {CLIENT_GRACE_SECONDS:g} s") from error
    if run.returncode:
        raise WrongAnswer(f"{' '.join(command)} exited with {run.returncode}:\n{run.stdout}{run.stderr}")
    return run.stdout


def _require_correct(what: str, figures: Figures) -> None:
    if figures.get("errors") or figures.get("wrong"):
        raise WrongAnswer(f"{what}: {figures}")
