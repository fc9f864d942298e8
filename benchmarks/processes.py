"""Starts servers on free ports, waits until they answer, reads what they cost, and ends them whatever happens."""

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
from housing_price.stack.process import GRACE_SECONDS, LEASH, STOP_TIMEOUT_SECONDS

READY_SECONDS: Final = 180.0
SETTLE_SECONDS: Final = 30.0
IDLE_CPU_SECONDS: Final = 0.03
_TICKS: Final = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")
_UTIME, _STIME, _RSS, _PPID = 11, 12, 21, 1  # fields of /proc/PID/stat behind the command's name

# Nothing of the caller's configuration may change what is measured.
_NOT_INHERITED: Final = ("ORCHESTRATOR_", "MLFLOW_", "BENTOML_", "MLSERVER_", "UV_", "VIRTUAL_ENV", "PYTHONPATH")


class NotReady(RuntimeError):
    """A server did not start; the message has the end of its log."""


def free_port() -> int:
    """A port that nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def environment(**changes: str) -> dict[str, str]:
    """The environment of whatever is measured."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_NOT_INHERITED)}
    # As in production: without it Python flushes each line of a log by itself.
    kept.pop("PYTHONUNBUFFERED", None)
    return kept | {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"} | changes


class Server:
    """A server and everything that it starts; ends with this process, however that ends."""

    def __init__(
        self, name: str, command: Sequence[str], port: int, *, ready: str, variables: Mapping[str, str], cwd: Path
    ) -> None:
        """Start it; it is `ready` when that path answers 200."""
        self.name = name
        self.port = port
        self._ready_url = f"http://127.0.0.1:{port}{ready}"
        self.log = STATE / "logs" / f"{name}.log"
        self.log.parent.mkdir(parents=True, exist_ok=True)
        # Each begins with an empty prediction log, which is nobody's afterwards.
        self._folder = tempfile.TemporaryDirectory(prefix="housing-price-benchmark-")
        predictions = {"ORCHESTRATOR_PREDICTION_LOG__URL": f"sqlite:///{self._folder.name}/predictions.db"}
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
        """It is running already."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End it and all that it started."""
        assert self._leash.stdin is not None  # noqa: S101 - it was asked for above
        self._leash.stdin.close()
        try:
            self._leash.wait(STOP_TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            self._leash.kill()
        self._folder.cleanup()

    @property
    def pid(self) -> int:
        """The server's own process, below its leash.

        Raises:
            NotReady: it has ended.
        """
        found = tree(self._leash.pid)
        if len(found) == 1:
            raise NotReady(f"{self.name} is not running:\n{self.log_end()}")
        return found[1]

    def send(self, which: signal.Signals) -> None:
        """Send a signal to the server itself."""
        os.kill(self.pid, which)

    def ended(self, seconds: float) -> int | None:
        """Wait until it has ended; gives its exit status, 128 and more for a signal, or None where it goes on."""
        try:
            return self._leash.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def wait_until_ready(self, pause_seconds: float = 0.1) -> None:
        """Return when it answers, looking again after each pause.

        Raises:
            NotReady: it has ended, or does not answer in time.
        """
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            if self._leash.poll() is not None:
                raise NotReady(f"{self.name} ended with {self._leash.returncode}:\n{self.log_end()}")
            try:
                with urllib.request.urlopen(self._ready_url, timeout=2):  # noqa: S310 - loopback, http
                    return
            except (OSError, urllib.error.URLError):
                time.sleep(pause_seconds)
        raise NotReady(f"{self.name} does not answer at {self._ready_url}:\n{self.log_end()}")

    def log_end(self) -> str:
        """The last lines of its log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-30:])

    @property
    def pids(self) -> list[int]:
        """The leash and every process below it."""
        return tree(self._leash.pid)

    def settle(self) -> None:
        """Return when it has worked off what a load left behind."""
        deadline = time.monotonic() + SETTLE_SECONDS
        before = cpu_seconds([self])
        while time.monotonic() < deadline:
            time.sleep(0.15)
            after = cpu_seconds([self])
            if after - before <= IDLE_CPU_SECONDS:
                return
            before = after


def _stat(pid: int) -> list[str]:
    # The second field is the command's name in brackets and may hold anything, so the rest is read behind it.
    return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].decode().split()


def tree(root: int) -> list[int]:
    """A process and all its descendants."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            children.setdefault(int(_stat(int(entry.name))[_PPID]), []).append(int(entry.name))
        except OSError:
            continue  # it ended while we looked
    found = [root]
    for pid in found:
        found.extend(children.get(pid, []))
    return found


def cpu_seconds(servers: Sequence[Server]) -> float:
    """The processor time that servers have used so far."""
    total = 0
    for pid in (pid for server in servers for pid in server.pids):
        try:
            stat = _stat(pid)
        except OSError:
            continue
        total += int(stat[_UTIME]) + int(stat[_STIME])
    return total / _TICKS


def resident_bytes(server: Server) -> int:
    """The resident memory of a server's processes, added up."""
    total = 0
    for pid in server.pids:
        try:
            total += int(_stat(pid)[_RSS])
        except OSError:
            continue
    return total * _PAGE_BYTES


def find_uv() -> str:
    """The uv that runs us, or the one that the Makefile installed."""
    installed = REPOSITORY / ".uv" / "bin" / "uv"
    return os.environ.get("UV") or (str(installed) if installed.exists() else "uv")
