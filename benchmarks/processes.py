"""Starts servers on free ports, waits until they are ready, reads their CPU time and memory, and stops them."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from benchmarks.paths import REPOSITORY, STATE
from housing_price.processes.process import GRACE_SECONDS, LEASH, STOP_TIMEOUT_SECONDS
from housing_price_platform.database.sqlite_file import sqlite_url

READY_TIMEOUT_SECONDS: Final = 180.0
IDLE_TIMEOUT_SECONDS: Final = 30.0
MAX_IDLE_CPU_SECONDS: Final = 0.03
_TICKS: Final = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")
_UTIME, _STIME, _RSS, _PPID = 11, 12, 21, 1  # indexes of the /proc/PID/stat fields after the command name

# Prefixes of the environment variables that servers do not inherit: they would affect the measurement.
_REMOVED_PREFIXES: Final = ("ORCHESTRATOR_", "MLFLOW_", "BENTOML_", "MLSERVER_", "UV_", "VIRTUAL_ENV", "PYTHONPATH")


class NotReady(RuntimeError):
    """A server did not become ready; the message includes the end of its log."""


def free_port() -> int:
    """Return a port that is unused at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def environment(**changes: str) -> dict[str, str]:
    """Return the environment for measured processes."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_REMOVED_PREFIXES)}
    # As in production: with PYTHONUNBUFFERED, Python flushes every log line separately.
    kept.pop("PYTHONUNBUFFERED", None)
    return kept | {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"} | changes


class Server:
    """A server and its child processes; they end with this process, even if it is killed.

    Each server runs under a leash (`housing_price.processes.leash`): a small parent process that ends the whole tree.
    """

    def __init__(
        self, name: str, command: Sequence[str], port: int, *, ready: str, variables: Mapping[str, str], cwd: Path
    ) -> None:
        """Start the server; it is ready when the path `ready` answers 200."""
        self.name = name
        self.port = port
        self._ready_url = f"http://127.0.0.1:{port}{ready}"
        self.log = STATE / "logs" / f"{name}.log"
        self.log.parent.mkdir(parents=True, exist_ok=True)
        # Each server starts with an empty prediction log, which is deleted with it.
        self._folder = tempfile.TemporaryDirectory(prefix="housing-price-benchmark-")
        predictions = {"ORCHESTRATOR_PREDICTION_LOG__URL": sqlite_url(Path(self._folder.name) / "predictions.db")}
        with self.log.open("wb") as log:
            self._leash = subprocess.Popen(  # noqa: S603 - the commands are this package's own
                [sys.executable, "-I", "-S", str(LEASH), str(GRACE_SECONDS), *command],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=cwd,
                env=environment(**predictions | dict(variables)),
                start_new_session=True,
            )

    def __enter__(self) -> Self:
        """Return the running server."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the server and its child processes."""
        assert self._leash.stdin is not None  # noqa: S101 - stdin=PIPE
        self._leash.stdin.close()
        try:
            self._leash.wait(STOP_TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            self._leash.kill()
        self._folder.cleanup()

    @property
    def pid(self) -> int:
        """The process id of the server, which is the child of its leash.

        Raises:
            NotReady: The server has exited.
        """
        pids = process_tree(self._leash.pid)
        if len(pids) == 1:
            raise NotReady(f"{self.name} is not running:\n{self.log_tail()}")
        return pids[1]

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal to the server process."""
        os.kill(self.pid, number)

    def wait(self, seconds: float) -> int | None:
        """Wait for the exit; returns the status (128 + N if signal N ended the server), or None after `seconds`."""
        try:
            return self._leash.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def wait_until_ready(self, pause_seconds: float = 0.1) -> None:
        """Poll until the server is ready.

        Raises:
            NotReady: The server exited or is not ready within READY_TIMEOUT_SECONDS.
        """
        deadline = time.monotonic() + READY_TIMEOUT_SECONDS
        while time.monotonic() < deadline:
            if self._leash.poll() is not None:
                raise NotReady(f"{self.name} exited with {self._leash.returncode}:\n{self.log_tail()}")
            try:
                with urllib.request.urlopen(self._ready_url, timeout=2):  # noqa: S310 - loopback, http
                    return
            except (OSError, urllib.error.URLError):
                time.sleep(pause_seconds)
        raise NotReady(f"{self.name} does not answer at {self._ready_url}:\n{self.log_tail()}")

    def log_tail(self) -> str:
        """Return the last 30 lines of the log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-30:])

    @property
    def pids(self) -> list[int]:
        """The process ids of the leash and all its descendants."""
        return process_tree(self._leash.pid)

    def wait_until_idle(self) -> None:
        """Wait until the server is idle after a load, for at most IDLE_TIMEOUT_SECONDS."""
        deadline = time.monotonic() + IDLE_TIMEOUT_SECONDS
        before = cpu_seconds([self])
        while time.monotonic() < deadline:
            time.sleep(0.15)
            after = cpu_seconds([self])
            if after - before <= MAX_IDLE_CPU_SECONDS:
                return
            before = after


def _stat_fields(pid: int) -> list[str]:
    # The second field, the command name in brackets, can contain any character; split after the last bracket.
    return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].decode().split()


def process_tree(root: int) -> list[int]:
    """Return the ids of a process and all its descendants."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            children.setdefault(int(_stat_fields(int(entry.name))[_PPID]), []).append(int(entry.name))
        except OSError:
            continue  # it exited meanwhile
    pids = [root]
    for pid in pids:
        pids.extend(children.get(pid, []))
    return pids


def cpu_seconds(servers: Sequence[Server]) -> float:
    """Return the CPU time that servers have used so far."""
    total = 0
    for pid in (pid for server in servers for pid in server.pids):
        try:
            stat = _stat_fields(pid)
        except OSError:
            continue
        total += int(stat[_UTIME]) + int(stat[_STIME])
    return total / _TICKS


def resident_bytes(server: Server) -> int:
    """Return the total resident memory of a server's processes."""
    total = 0
    for pid in server.pids:
        try:
            total += int(_stat_fields(pid)[_RSS])
        except OSError:
            continue
    return total * _PAGE_BYTES


def proportional_bytes(server: Server) -> int:
    """Return the proportional set size (PSS) of a server's processes without the leash; pages count by share."""
    total = 0
    for pid in server.pids[1:]:
        try:
            rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
        except OSError:
            continue
        total += next((int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:")), 0)
    return total * 1024


def find_uv() -> str:
    """Return the uv that runs this process, or the one that the Makefile installed."""
    installed = REPOSITORY / ".uv" / "bin" / "uv"
    return os.environ.get("UV") or (str(installed) if installed.exists() else "uv")
