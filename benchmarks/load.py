"""Makes load with programs of their own: wrk for as much as goes, our clients where time or truth matter."""

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from benchmarks.houses import bodies
from benchmarks.paths import BENCHMARKS, REPOSITORY
from benchmarks.processes import environment
from benchmarks.resource_usage import CpuUsage, MemoryGrowth
from benchmarks.running_contenders import RunningContender

WRK_SCRIPT: Final = BENCHMARKS / "clients" / "predict.lua"
CHECK_PAUSE_SECONDS: Final = 0.05
CLIENT_GRACE_SECONDS: Final = 120.0
CLIENT_START_SECONDS: Final = 0.3
SMALL_ROWS: Final = 100
RAMP_SHARE: Final = 1 / 3
WRK_START_SECONDS: Final = 0.1

type Figures = dict[str, Any]


class WrongAnswer(RuntimeError):
    """Something answered wrong or with an error; figures of such a run mean nothing."""


def closed_loop(running: RunningContender, *, connections: int, seconds: int) -> Figures:
    """Ask for single houses over so many connections, as fast as they are answered; a second client checks meanwhile.

    Gives requests per second, their times, and the processor seconds that 1,000 requests cost. The first part of the
    time counts for the times only: a slow server with many callers gives its first answers late.
    """
    contender = running.contender
    path, written = contender.dialect.path(1), bodies(contender.dialect, 1)
    begin, end = seconds * RAMP_SHARE, float(seconds)
    command = ["wrk", "--threads", "1", "--connections", str(connections), "--duration", f"{seconds}s"]
    command += ["--timeout", "60s", "--script", str(WRK_SCRIPT), f"http://127.0.0.1:{running.server.port}{path}"]
    command += ["--", str(written), contender.marker, str(begin), str(end)]
    with _checked_meanwhile(running, seconds) as check:
        # It writes three lines: its output waits in the pipe while we look at the clock.
        wrk = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY)  # noqa: S603 - built above
        try:
            time.sleep(WRK_START_SECONDS + begin)
            used = CpuUsage(running)
            time.sleep(end - begin)
            own, all_together = used.per_second()
            output, _ = wrk.communicate(timeout=CLIENT_GRACE_SECONDS)
        finally:
            wrk.kill()
        if wrk.returncode:
            raise WrongAnswer(f"wrk ended with {wrk.returncode}: {output}")
        figures: Figures = json.loads(output.splitlines()[-1])
    _require_right(f"{contender.name}, {connections} connections", figures)
    running.settle()
    thousands_per_second = max(figures["per_second"], 1e-3) / 1000
    return figures | {
        "cpu_seconds_per_1000": round(all_together / thousands_per_second, 4),
        "own_cpu_seconds_per_1000": round(own / thousands_per_second, 4),
        "checked": check["checked"],
    }


def warm_up(running: RunningContender, *, connections: int, seconds: int) -> None:
    """Bring a contender into its stride: code paths, pools, and what BentoML learns about its batches."""
    closed_loop(running, connections=connections, seconds=seconds)
    if running.contender.dialect.many is not None:
        sequential(running, rows=100, seconds=0.2)


def sequential(running: RunningContender, *, rows: int, seconds: float) -> Figures:
    """Ask one request after the other, each with so many houses; gives their times, without those of the first."""
    warm_up_requests = 5 if rows <= SMALL_ROWS else 1
    limits = ["--seconds", str(seconds), "--warm-up-requests", str(warm_up_requests)]
    return _client("sequential", running, rows, *limits)


def houses_sequentially(running: RunningContender, *, houses: int) -> Figures:
    """Ask for so many houses, one after the other, so that there is nothing to coalesce."""
    return _client("sequential", running, 1, "--requests", str(houses))


def houses_concurrently(running: RunningContender, *, connections: int) -> Figures:
    """Ask for every house of the survey once, by many callers at the same time."""
    return _client("concurrent_callers", running, 1, "--connections", str(connections))


def open_loop(running: RunningContender, *, rate: float, seconds: float) -> Figures:
    """Ask for single houses at a fixed rate; times count from the scheduled send."""
    return _client("open_loop", running, 1, "--rate", str(rate), "--seconds", str(seconds))


def stream(running: RunningContender, *, houses: int) -> Figures:
    """Stream houses over one connection; gives rows per second, and by how much the server's memory grew."""
    memory = MemoryGrowth(running.server)
    with memory:
        figures = _client("stream", running, 1, "--houses", str(houses), path="/api/v1/price/predict/stream")
    return figures | {"grown_mib": round(memory.grown_bytes / 2**20, 1)}


@contextlib.contextmanager
def batches_beside(running: RunningContender, *, rows: int, seconds: float) -> Iterator[Figures]:
    """Ask for batches, one after the other, while the block runs."""
    figures: Figures = {}
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(_client, "sequential", running, rows, "--seconds", str(seconds))
        yield figures
        figures.update(asked.result())


@contextlib.contextmanager
def _checked_meanwhile(running: RunningContender, seconds: float) -> Iterator[Figures]:
    """Let one more client ask slowly and compare every answer with the model's own."""
    command = _client_command("sequential", running, 1, None)
    command += ["--pause-seconds", str(CHECK_PAUSE_SECONDS), "--seconds", str(seconds)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY)  # noqa: S603 - ours
    figures: Figures = {}
    try:
        time.sleep(CLIENT_START_SECONDS)
        yield figures
        output, _ = process.communicate(timeout=CLIENT_GRACE_SECONDS)
    finally:
        process.kill()
    figures.update(json.loads(output or '{"errors": 1, "first_problem": "the checking client failed"}'))
    _require_right(f"{running.contender.name}, checked under load", figures)


def _client(module: str, running: RunningContender, rows: int, *options: str, path: str | None = None) -> Figures:
    figures: Figures = json.loads(_output_of([*_client_command(module, running, rows, path), *options]))
    _require_right(f"{running.contender.name}, {module}, {rows} houses", figures)
    return figures


def _client_command(module: str, running: RunningContender, rows: int, path: str | None) -> list[str]:
    dialect = running.contender.dialect
    return [
        *(sys.executable, "-m", f"benchmarks.clients.{module}"),
        *("--port", str(running.server.port), "--path", path or dialect.path(rows)),
        *("--bodies", str(bodies(dialect, rows)), "--rows", str(rows), "--expected", str(running.expected)),
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
        raise WrongAnswer(f"{' '.join(command)} did not end within {CLIENT_GRACE_SECONDS} s") from error
    if run.returncode:
        raise WrongAnswer(f"{' '.join(command)} ended with {run.returncode}:\n{run.stdout}{run.stderr}")
    return run.stdout


def _require_right(what: str, figures: Figures) -> None:
    if figures.get("errors") or figures.get("wrong"):
        raise WrongAnswer(f"{what}: {figures}")
