"""CPU time and memory that a contender uses under load."""

import time
from typing import Final, Self

from benchmarks.processes import Server, cpu_seconds, proportional_bytes, resident_bytes
from benchmarks.repeating_thread import RepeatingThread
from benchmarks.running_contenders import RunningContender

MEMORY_INTERVAL_SECONDS: Final = 0.05
PROPORTIONAL_INTERVAL_SECONDS: Final = 0.25
"""Reading the proportional set size takes the kernel about a millisecond per process."""


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


class MemoryGrowth(RepeatingThread):
    """Measures the peak growth of a server's resident memory while the block runs."""

    def __init__(self, server: Server) -> None:
        super().__init__(MEMORY_INTERVAL_SECONDS)
        self._server = server
        self.growth_bytes = 0

    def __enter__(self) -> Self:
        self._before = resident_bytes(self._server)
        return super().__enter__()

    def step(self) -> None:
        """Read the memory once."""
        self.growth_bytes = max(self.growth_bytes, resident_bytes(self._server) - self._before)


class ProportionalMemory(RepeatingThread):
    """Measures the peak of the proportional set size (PSS) of a server's processes while the block runs."""

    def __init__(self, server: Server) -> None:
        super().__init__(PROPORTIONAL_INTERVAL_SECONDS)
        self._server = server
        self.peak_bytes = 0

    def step(self) -> None:
        """Read the memory once."""
        self.peak_bytes = max(self.peak_bytes, proportional_bytes(self._server))
