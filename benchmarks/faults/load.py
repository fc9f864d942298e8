"""Starts and stops an open-loop load in a separate process."""

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
from housing_price.processes.process import LEASH, STOP_TIMEOUT_SECONDS

START_TIMEOUT_SECONDS: Final = 60.0
DRAIN_TIMEOUT_SECONDS: Final = 15.0


class Load:
    """Requests at a fixed rate from a separate process, which ends with the block."""

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
        request_format: houses.RequestFormat = houses.PUBLIC,
        valuations: Path | None = None,
    ) -> None:
        """Request batches of `rows` houses at a port.

        `expected` maps model ids to files of reference prices. With `valuations`, a file of reference valuations,
        valuations are requested instead of prices.
        """
        self._seconds = seconds
        self._record = STATE / "timelines" / f"{name}.json"
        self._record.parent.mkdir(parents=True, exist_ok=True)
        self._process = subprocess.Popen(  # noqa: S603 - this package's own client
            [
                *(sys.executable, "-I", "-S", str(LEASH), "0"),
                *(sys.executable, "-m", "benchmarks.clients.timeline", "--write", str(self._record)),
                *("--port", str(port), "--path", request_format.path(rows), "--rows", str(rows)),
                *(
                    "--bodies",
                    str(houses.bodies_file(request_format, rows)),
                    "--rate",
                    str(rate),
                    "--seconds",
                    str(seconds),
                ),
                *("--drain-seconds", str(DRAIN_TIMEOUT_SECONDS)),
                *(part for model, path in expected.items() for part in ("--expected", f"{model}={path}")),
                *(("--valuations", str(valuations)) if valuations else ()),
                *(part for header in headers for part in ("--header", header)),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=REPOSITORY,
            env=environment(),
        )
        assert self._process.stdout is not None  # noqa: S101 - stdout=PIPE
        assert self._process.stdin is not None  # noqa: S101 - stdin=PIPE
        self._stdout, self._stdin = self._process.stdout, self._process.stdin

    def __enter__(self) -> Self:
        """Wait for the process to announce the start of its schedule."""
        line = self._stdout.readline()
        if not line:
            self._process.wait(START_TIMEOUT_SECONDS)
            raise RuntimeError("the load generator did not start")
        self.started = float(line)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the process if it is still running."""
        self._stdin.close()
        self._process.wait(STOP_TIMEOUT_SECONDS)
        self._stdout.close()

    def stop(self) -> Timeline:
        """Stop sending, wait for outstanding answers, and return the records of all requests."""
        os.kill(process_tree(self._process.pid)[1], signal.SIGTERM)
        return self.finish()

    def finish(self) -> Timeline:
        """Wait for the end of the schedule and return the records of all requests."""
        status = self._process.wait(self._seconds + DRAIN_TIMEOUT_SECONDS + START_TIMEOUT_SECONDS)
        if status:
            raise RuntimeError(f"the load generator exited with {status}")
        return Timeline([RequestRecord(*row) for row in json.loads(self._record.read_bytes())["rows"]])
