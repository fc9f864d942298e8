"""A load in a process of its own."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from benchmarks import houses
from benchmarks.faults.timeline import RequestRecord, Timeline
from benchmarks.paths import REPOSITORY, STATE
from benchmarks.processes import environment, process_tree
from housing_price.stack.process import LEASH, STOP_TIMEOUT_SECONDS

START_SECONDS: Final = 60.0
DRAIN_SECONDS: Final = 15.0


class Load:
    """Requests at a rate, from a process of its own, which ends with the block."""

    def __init__(
        self,
        port: int,
        expected: Mapping[str, Path],
        *,
        rate: float,
        seconds: float,
        rows: int = 1,
        name: str = "load",
        headers: Sequence[str] = (),
    ) -> None:
        """Ask at a port for single houses, or for batches; `expected` has the file of right prices of each model."""
        dialect = houses.PUBLIC
        self._seconds = seconds
        self._record = STATE / "timelines" / f"{name}.json"
        self._record.parent.mkdir(parents=True, exist_ok=True)
        self._process = subprocess.Popen(  # noqa: S603 - this package's own client
            [
                *(sys.executable, "-I", "-S", str(LEASH), "0"),
                *(sys.executable, "-m", "benchmarks.clients.timeline", "--write", str(self._record)),
                *("--port", str(port), "--path", dialect.path(rows), "--rows", str(rows)),
                *("--bodies", str(houses.bodies_file(dialect, rows)), "--rate", str(rate), "--seconds", str(seconds)),
                *("--drain-seconds", str(DRAIN_SECONDS)),
                *(part for model, path in expected.items() for part in ("--expected", f"{model}={path}")),
                *(part for header in headers for part in ("--header", header)),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=REPOSITORY,
            env=environment(),
        )
        assert self._process.stdout is not None  # noqa: S101 - it was asked for above
        assert self._process.stdin is not None  # noqa: S101 - the same
        self._stdout, self._stdin = self._process.stdout, self._process.stdin

    def __enter__(self) -> Self:
        """Wait until the schedule begins."""
        line = self._stdout.readline()
        if not line:
            self._process.wait(START_SECONDS)
            raise RuntimeError("the load did not start")
        self.started = float(line)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End it where it goes on."""
        self._stdin.close()
        self._process.wait(STOP_TIMEOUT_SECONDS)
        self._stdout.close()

    def stop(self) -> Timeline:
        """Send no more; gives what became of the requests."""
        os.kill(process_tree(self._process.pid)[1], signal.SIGTERM)
        return self.finish()

    def finish(self) -> Timeline:
        """Wait for its end; gives what became of the requests."""
        status = self._process.wait(self._seconds + DRAIN_SECONDS + START_SECONDS)
        if status:
            raise RuntimeError(f"the load ended with {status}")
        return Timeline([RequestRecord(*row) for row in json.loads(self._record.read_bytes())["rows"]])
