"""Runs real `housing-price up` processes in tests, and finds every process that they started."""

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from typer.testing import CliRunner, Result

from housing_price.cli import app

MARK = "TEST_PROCESS_MARK"
"""Environment variable that identifies the descendants of a process under test."""

REPOSITORY = Path(__file__).parents[1]
PYTHONPATH_OF_FAKES = os.pathsep.join([str(REPOSITORY / "tests" / "fakes"), str(REPOSITORY)])
"""The fakes of the services; they import their shared modules from the repository's root."""

FREE_PORTS = ("--port", "0", "--model-server-port", "0", "--comparables-port", "0", "--tracking-port", "0")
PRICE_SERVER, COMPARABLES_SERVER = "serving/versions/", "serving/comparables/versions/"
"""Paths in the command lines of the two model servers."""

POLL_SECONDS = 0.05


def wait_until[T](found: Callable[[], T | None], seconds: float, what: str | Callable[[], str]) -> T:
    """Poll until the result is truthy and return it; fail with `what` after the time limit."""
    deadline = time.monotonic() + seconds
    while True:
        if result := found():
            return result
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what if isinstance(what, str) else what()}")
        time.sleep(POLL_SECONDS)


def refused_up(state: Path, *options: str) -> Result:
    """Call `housing-price up` in this process, with options that it refuses before it starts anything."""
    return CliRunner().invoke(app, ["up", *FREE_PORTS, "--state-dir", str(state), *options], env={"COLUMNS": "200"})


def price_in(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a response that are equal for equal houses: all but the transaction id."""
    return {key: value for key, value in answer.items() if key != "transactionId"}


def marked_processes(mark: str) -> dict[int, str]:
    """Find every running process that inherited the mark; returns command lines by process id."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if f"{MARK}={mark}".encode() in (folder / "environ").read_bytes().split(b"\0"):
                found[int(folder.name)] = (folder / "cmdline").read_text().replace("\0", " ")
        except OSError:
            continue
    return found


class Up:
    """One `housing-price up` (or another command around it) and its log."""

    def __init__(
        self,
        state: Path,
        *options: str,
        fakes: bool = False,
        command: tuple[str, ...] | None = None,
        environment: Mapping[str, str] | None = None,
        folder: Path | None = None,
    ) -> None:
        self.mark = uuid.uuid4().hex
        self.first_answer: dict[str, Any] = {}
        self.state = state
        self._log = Path(tempfile.gettempdir()) / f"up-{self.mark}.log"
        variables = {**os.environ, MARK: self.mark, **(environment or {})}
        # Unset, as on most machines: the bytecode that Python then writes must do no harm.
        variables.pop("PYTHONDONTWRITEBYTECODE", None)
        if fakes:
            variables |= {"PYTHONPATH": PYTHONPATH_OF_FAKES, "FAKE_STATE": str(state), **(environment or {})}
        command = command or (sys.executable, "-m", "housing_price", "up", *FREE_PORTS, "--state-dir", str(state))
        with self._log.open("w") as log:
            self.process = subprocess.Popen(
                [*command, *options], stdout=log, stderr=log, env=variables, cwd=folder, start_new_session=True
            )

    @property
    def log(self) -> str:
        return self._log.read_text()

    @property
    def url(self) -> str:
        """The address of the API, from the printed table."""
        found = re.search(r"House price API\W+(https?://[^/\s]+)/api/v1/price/predict", self.log)
        assert found, self.log
        return found[1]

    @property
    def curl(self) -> str:
        found = re.search(r"^\s*(curl -s .*)$", self.log, re.MULTILINE)
        assert found, self.log
        return found[1]

    def wait_for(self, pattern: str, seconds: float = 60, count: int = 1) -> list[str]:
        """Wait until the log contains the pattern `count` times; fail at once if the command ends first."""

        def look() -> list[str]:
            ended = self.process.poll() is not None
            found = [match[0] for match in re.finditer(pattern, self.log)]
            assert not ended or len(found) >= count, f"ended before {pattern!r}:\n{self.log}"
            return found if len(found) >= count else []

        return wait_until(look, seconds, lambda: f"no {pattern!r} in\n{self.log}")

    def wait_until_up(self, seconds: float = 60) -> None:
        self.wait_for("Price a house", seconds)

    def processes(self) -> dict[int, str]:
        return marked_processes(self.mark)

    def pid_of(self, text: str, but_not: str = "leash.py") -> int:
        """Return the id of the only process whose command line contains `text` but not `but_not`."""
        found = [pid for pid, command in self.processes().items() if text in command and but_not not in command]
        assert len(found) == 1, self.processes()
        return found[0]

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def wait(self, seconds: float = 10) -> int:
        """Wait for the end of the command and of every process that it started; returns the exit status."""
        began = time.monotonic()
        status = self.process.wait(seconds)
        # After SIGTERM, make can end a moment before its children.
        self.wait_until_no_process_is_left(seconds - (time.monotonic() - began))
        return status

    def wait_until_no_process_is_left(self, seconds: float) -> None:
        wait_until(lambda: not self.processes(), seconds, lambda: f"left: {self.processes()}\n{self.log}")

    def end(self) -> None:
        """Stop the command and kill every remaining process."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        for pid in self.processes():
            os.kill(pid, signal.SIGKILL)
        self._log.unlink()
