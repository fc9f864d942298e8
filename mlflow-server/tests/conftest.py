"""A real tracking server on a free port, started once for the tests of this folder."""

import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from housing_price_platform.database.sqlite_file import sqlite_url

START_DEADLINE_SECONDS = 60


@dataclass(frozen=True)
class RunningServer:
    process: subprocess.Popen[str]
    url: str
    folder: Path

    def stop(self, how: signal.Signals) -> int:
        self.process.send_signal(how)
        return self.process.wait(timeout=10)


def start_server(folder: Path, database: str = "") -> RunningServer:
    command = [sys.executable, "-m", "mlflow_server", "serve", "--port", "0"]
    database = database or sqlite_url(folder / "state" / "mlflow.db")
    command += ["--backend-store-uri", database, "--artifacts", str(folder / "artifacts")]
    log = folder / "server.log"
    with log.open("w") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, text=True)
    deadline = time.monotonic() + START_DEADLINE_SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        if address := re.search(r"http://\S+", log.read_text()):
            try:
                if httpx.get(f"{address[0]}/health", timeout=1).is_success:
                    return RunningServer(process, address[0], folder)
            except httpx.TransportError:
                pass  # bound but not listening yet
        time.sleep(0.05)
    process.kill()
    return pytest.fail(f"the server did not become healthy in time:\n{log.read_text()}")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    # Characters that mean something in a URL: the server must take them for parts of the path.
    folder = tmp_path_factory.mktemp("tracking") / "100%41 of what?#1; é"
    folder.mkdir()
    running = start_server(folder)
    yield running
    running.stop(signal.SIGTERM)
