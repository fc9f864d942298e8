"""What a contender uses while it is under load: processor time and memory."""

import threading
import time
from typing import Final

from benchmarks.processes import Server, cpu_seconds, resident_bytes
from benchmarks.running_contenders import RunningContender

MEMORY_INTERVAL_SECONDS: Final = 0.05


class CpuUsage:
    """The processor time that a contender uses from now on."""

    def __init__(self, running: RunningContender) -> None:
        self._running = running
        self._at, self._own, self._behind = self._now()

    def _now(self) -> tuple[float, float, float]:
        behind = self._running.behind
        at = time.perf_counter()
        return at, cpu_seconds([self._running.server]), cpu_seconds([behind]) if behind else 0.0

    def per_second(self) -> tuple[float, float]:
        """Give processor seconds per second: of its own, and together with those of the server behind it."""
        at, own, behind = self._now()
        own, behind, passed = own - self._own, behind - self._behind, at - self._at
        return own / passed, (own + behind) / passed


class MemoryGrowth:
    """Watches how far a server's resident memory rises above where it was."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self.grown_bytes = 0

    def __enter__(self) -> None:
        self._before = resident_bytes(self._server)
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(MEMORY_INTERVAL_SECONDS):
            self.grown_bytes = max(self.grown_bytes, resident_bytes(self._server) - self._before)
