"""Looks at an orchestrator from outside while something happens: its probes, its memory, its file descriptors."""

import threading
import time
from collections.abc import Callable
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from benchmarks.processes import Server, resident_bytes

PROBE_PAUSE_SECONDS: Final = 0.05
PROBE_SECONDS: Final = 2.0
SAMPLE_PAUSE_SECONDS: Final = 0.25
MIB: Final = 2**20


class _Watcher:
    def __init__(self, pause_seconds: float) -> None:
        self._pause_seconds = pause_seconds
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while True:
            self.look()
            if self._over.wait(self._pause_seconds):
                return

    def look(self) -> None:
        raise NotImplementedError


class Probes(_Watcher):
    """Asks a path again and again, as a load balancer does."""

    def __init__(self, port: int, path: str) -> None:
        """Ask at a port; status 0 is no answer."""
        super().__init__(PROBE_PAUSE_SECONDS)
        self._port, self._path = port, path
        self.seen: list[tuple[float, int]] = []

    def look(self) -> None:
        """Ask once."""
        connection = HTTPConnection("127.0.0.1", self._port, timeout=PROBE_SECONDS)
        try:
            connection.request("GET", self._path)
            status = connection.getresponse().status
        except (OSError, HTTPException):
            status = 0
        finally:
            connection.close()
        self.seen.append((time.monotonic(), status))

    def seconds_until(self, status: int, since: float) -> float | None:
        """Tell how long after a moment it first answered so; None if never."""
        return next((at - since for at, seen in self.seen if at >= since and seen == status), None)

    def wait_for(self, status: int, since: float, seconds: float) -> None:
        """Wait until it answers so, after a moment, or for so many seconds at the most."""
        until = time.monotonic() + seconds
        while self.seconds_until(status, since) is None and time.monotonic() < until:
            time.sleep(PROBE_PAUSE_SECONDS)


class Usage(_Watcher):
    """Samples a server's resident memory and its open file descriptors."""

    def __init__(self, server: Server, pause_seconds: float = SAMPLE_PAUSE_SECONDS) -> None:
        super().__init__(pause_seconds)
        self._server = server
        self._pid = server.pid
        self.samples: list[tuple[float, float, int]] = []

    def look(self) -> None:
        """Sample once: the moment, MiB, file descriptors."""
        memory = resident_bytes(self._server) / MIB
        self.samples.append((time.monotonic(), memory, len(list(Path(f"/proc/{self._pid}/fd").iterdir()))))

    @property
    def grown_mib(self) -> float:
        """By how much the memory rose above the first sample, at the most."""
        return max(memory for _, memory, _ in self.samples) - self.samples[0][1]

    def slope(self, of: Callable[[tuple[float, float, int]], float], since: float) -> float:
        """Fit a line by least squares to the samples after a moment; gives its rise per second."""
        kept = [sample for sample in self.samples if sample[0] >= since]
        mean_at = sum(sample[0] for sample in kept) / len(kept)
        mean = sum(of(sample) for sample in kept) / len(kept)
        spread = sum((sample[0] - mean_at) ** 2 for sample in kept)
        return sum((sample[0] - mean_at) * (of(sample) - mean) for sample in kept) / spread if spread else 0.0
