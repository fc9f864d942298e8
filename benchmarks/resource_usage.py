"""CPU time and memory that a contender uses under load."""

import threading
import time
from typing import Final

from benchmarks.processes import Server, cpu_seconds, resident_bytes
from benchmarks.running_contenders import RunningContender

MEMORY_INTERVAL_SECONDS: Final = 0.05


class CpuUsage:
    """CPU time that a contender uses, counted from construction."""

    def __init__(self, running: RunningContender) -> None:
        self._running = running
        self._at, self._own, self._behind = self._now()

    def _now(self) -> tuple[float, float, float]:
        behind = self._running.behind
        at = time.perf_counter()
        return at, cpu_seconds([self._running.server]), cpu_seconds([behind]) if behind else 0.0

    def per_second(self) -> tuple[float, float]:
        """Return CPU seconds per second: of the contender, and including the server behind it."""
        at, own, behind = self._now()
        own, behind, elapsed = own - self._own, behind - self._behind, at - self._at
        return own / elapsed, (own + behind) / elapsed


class MemoryGrowth:
    """Measures the peak growth of a server's resident memory while the block runs."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self.growth_bytes = 0

    def __enter__(self) -> None:
        self._before = resident_bytes(self._server)
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(MEMORY_INTERVAL_SECONDS):
            self.growth_bytes = max(self.growth_bytes, resident_bytes(self._server) - self._before)
