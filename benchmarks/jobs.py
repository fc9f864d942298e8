"""Measures scoring jobs: one model server, one orchestrator and one worker, from submission to result."""

import json
import shutil
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from benchmarks import load, model, reference_prices
from benchmarks.contenders import OUR_MODEL_SERVER, OURS, all_contenders
from benchmarks.job_files import CONTENT_TYPES, count_wrong, input_file
from benchmarks.load import WrongAnswer
from benchmarks.machine import description
from benchmarks.paths import REPOSITORY, RESULTS
from benchmarks.processes import NotReady, Server, free_port
from benchmarks.resource_usage import ProportionalMemory
from benchmarks.running_contenders import RunningContender
from benchmarks.scenarios import BATCH_ROWS
from benchmarks.valuations import Line
from housing_price_platform.database.sqlite_file import sqlite_url

JOBS_PATH: Final = "/api/v1/jobs/scoring"
MIN_ROWS_PER_SECOND: Final = 25_000
MIN_SHARE_OF_DIRECT: Final = 0.65
MAX_WORKER_MB: Final = 400
SINGLES_PER_SECOND: Final = 100.0
MAX_ADDED_P99_MS: Final = 100.0

_UPLOAD_BYTES: Final = 1024 * 1024
_POLL_SECONDS: Final = 0.1
_START_SECONDS: Final = 60.0
_JOB_SECONDS: Final = 1_800.0
_MEGABYTE: Final = 1e6


@dataclass(frozen=True)
class _Stack:
    """The running processes."""

    model_server: RunningContender
    orchestrator: RunningContender
    worker: Server


@dataclass(frozen=True)
class _Job:
    """One job, measured."""

    rows_per_second: float
    """From submission to the result, the upload included."""
    upload_seconds: float
    worker_mb: float
    """Maximum memory of the worker and its child processes."""


def measure(rows: int, seconds: float, export: Path | None) -> list[Line]:
    """Measure a job of each format, the model server alone before and after them, and singles beside a job.

    Args:
        rows: Rows of each job.
        seconds: Duration of each measurement beside the jobs.
        export: Folder of an exported model; None to train one.

    Raises:
        NotReady: A process did not start.
        WrongAnswer: A job failed, or a row of its result is missing, out of order or wrongly priced.
    """
    files = {file_format: input_file(file_format, rows) for file_format in CONTENT_TYPES}
    with ExitStack() as stack:
        running = _start(export or model.exported(), stack)
        load.sequential(running.orchestrator, rows=1, seconds=1)
        direct = [_direct_rows_per_second(running.model_server, seconds)]
        jobs = {file_format: _run_job(running, file_format, path, rows) for file_format, path in files.items()}
        direct.append(_direct_rows_per_second(running.model_server, seconds))
        return [*_rates(rows, jobs, sum(direct) / len(direct)), _singles(running, files["csv"], seconds)]


def write(table: str) -> None:
    """Write the table to results/jobs.md."""
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "jobs.md").write_text(f"{table}\n\n{description()}\n", encoding="utf-8")


def _rates(rows: int, jobs: Mapping[str, _Job], direct: float) -> list[Line]:
    lines = [Line(f"model server, asked directly in batches of {BATCH_ROWS:,}", "", f"{direct:,.0f} rows/s")]
    for file_format, job in jobs.items():
        rate, share = job.rows_per_second, job.rows_per_second / direct
        lines.append(
            Line(
                f"{file_format}, {rows:,} rows, from submission to result",
                f">= {MIN_ROWS_PER_SECOND:,} rows/s and >= {MIN_SHARE_OF_DIRECT} of direct calls",
                f"{rate:,.0f} rows/s, {share:.2f}; {job.upload_seconds:.1f} s of it upload",
                rate >= MIN_ROWS_PER_SECOND and share >= MIN_SHARE_OF_DIRECT,
            )
        )
        lines.append(
            Line(
                f"{file_format}, peak memory of the worker (PSS)",
                f"<= {MAX_WORKER_MB} MB",
                f"{job.worker_mb:.0f} MB",
                job.worker_mb <= MAX_WORKER_MB,
            )
        )
    return lines


def _singles(running: _Stack, path: Path, seconds: float) -> Line:
    """Measure single requests alone, and beside a job."""
    quiet = _p99_of_singles(running.orchestrator, seconds)
    job = _submit(running.orchestrator.server.port, "csv", path)
    try:
        _wait(running.orchestrator.server.port, job, lambda state: state["state"] == "running")
        busy = _p99_of_singles(running.orchestrator, seconds)
        state = _get(running.orchestrator.server.port, job)["state"]
    finally:
        _request(running.orchestrator.server.port, "DELETE", job)
    if state != "running":
        print("the job ended before the measurement beside it: use more rows", file=sys.stderr)  # noqa: T201 - the reason
    return Line(
        f"p99 of singles at {SINGLES_PER_SECOND:.0f}/s beside a job",
        f"<= quiet + {MAX_ADDED_P99_MS:.0f} ms",
        f"{busy:.0f} ms, +{busy - quiet:.0f} ms (quiet {quiet:.1f} ms)",
        busy <= quiet + MAX_ADDED_P99_MS if state == "running" else None,
    )


def _p99_of_singles(running: RunningContender, seconds: float) -> float:
    p99: float = load.open_loop(running, rate=SINGLES_PER_SECOND, seconds=seconds)["p99_ms"]
    return p99


def _direct_rows_per_second(running: RunningContender, seconds: float) -> float:
    figures = load.sequential(running, rows=BATCH_ROWS, seconds=seconds)
    rate: float = figures["requests"] * BATCH_ROWS / figures["seconds"]
    return rate


def _run_job(running: _Stack, file_format: str, path: Path, rows: int) -> _Job:
    port = running.orchestrator.server.port
    with ProportionalMemory(running.worker) as memory:
        started = time.perf_counter()
        job = _submit(port, file_format, path)
        uploaded = time.perf_counter()
        state = _wait(port, job, lambda state: state["state"] not in {"queued", "running"})
        ended = time.perf_counter()
    if state["state"] != "succeeded":
        raise WrongAnswer(f"the job ended as {state['state']}: {state['error']}\n{running.worker.log_tail()}")
    with TemporaryDirectory() as folder:
        result = Path(folder) / "result"
        _download(port, f"{job}/result", result)
        if wrong := count_wrong(result, file_format, rows, running.orchestrator.expected):
            raise WrongAnswer(f"{wrong} of {rows} rows of the {file_format} result are wrong")
    return _Job(rows / (ended - started), uploaded - started, memory.peak_bytes / _MEGABYTE)


def _submit(port: int, file_format: str, path: Path) -> str:
    """Upload a file as a job; returns the path of the job."""
    headers = {"Content-Type": CONTENT_TYPES[file_format], "Content-Length": str(path.stat().st_size)}
    connection = HTTPConnection("127.0.0.1", port, timeout=_JOB_SECONDS, blocksize=_UPLOAD_BYTES)
    try:
        with path.open("rb") as file:
            connection.request("POST", JOBS_PATH, file, headers)
            response = connection.getresponse()
            content = response.read().decode(errors="replace")
        location = response.headers["Location"]
        if location is None:
            raise WrongAnswer(f"the job was not accepted: {response.status} {content}")
        return str(location)
    finally:
        connection.close()


def _wait(port: int, job: str, is_reached: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    deadline = time.monotonic() + _JOB_SECONDS
    while not is_reached(state := _get(port, job)):
        if time.monotonic() > deadline:
            raise WrongAnswer(f"the job did not end in time: {state}")
        time.sleep(_POLL_SECONDS)
    return state


def _get(port: int, path: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(_request(port, "GET", path))
    return document


def _request(port: int, method: str, path: str) -> bytes:
    connection = HTTPConnection("127.0.0.1", port, timeout=_START_SECONDS)
    try:
        connection.request(method, path)
        return connection.getresponse().read()
    finally:
        connection.close()


def _download(port: int, path: str, target: Path) -> None:
    connection = HTTPConnection("127.0.0.1", port, timeout=_JOB_SECONDS)
    try:
        connection.request("GET", path)
        with target.open("wb") as file:
            shutil.copyfileobj(connection.getresponse(), file, _UPLOAD_BYTES)
    finally:
        connection.close()


def _start(export: Path, stack: ExitStack) -> _Stack:
    folder = Path(stack.enter_context(TemporaryDirectory(prefix="housing-price-benchmark-")))
    contenders = all_contenders(export)
    behind, ours = contenders[OUR_MODEL_SERVER], contenders[OURS]
    behind_port, port = free_port(), free_port()
    variables = {
        **ours.variables(port, behind_port),
        "ORCHESTRATOR_JOBS__DATABASE_URL": sqlite_url(folder / "jobs.db"),
        "ORCHESTRATOR_JOBS__FOLDER": str(folder / "jobs"),
    }

    def serve(name: str, command: Sequence[str], listens: int, ready: str) -> Server:
        given = {} if name == "model" else variables
        server = Server(f"jobs {name}", command, listens, ready=ready, variables=given, cwd=REPOSITORY)
        return stack.enter_context(server)

    model_server = serve("model", behind.command(behind_port, 0), behind_port, behind.ready)
    model_server.wait_until_ready()
    orchestrator = serve("orchestrator", ours.command(port, behind_port), port, ours.ready)
    orchestrator.wait_until_ready()
    worker = serve("worker", (sys.executable, "-m", "housing_price_orchestrator", "worker", "--name", "1"), 0, "/")
    _wait_for_worker(worker)
    expected = reference_prices.of_model(export)
    return _Stack(
        RunningContender(behind, model_server, None, expected),
        RunningContender(ours, orchestrator, model_server, expected),
        worker,
    )


def _wait_for_worker(worker: Server) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while b"worker ready" not in worker.log.read_bytes():
        if time.monotonic() > deadline:
            raise NotReady(f"the worker is not ready:\n{worker.log_tail()}")
        time.sleep(_POLL_SECONDS)
