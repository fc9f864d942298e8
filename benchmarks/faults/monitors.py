"""Monitors an orchestrator from outside during a fault: probes, memory and file descriptors."""

import time
from collections.abc import Callable
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Final

from benchmarks.processes import Server, resident_bytes
from benchmarks.repeating_thread import RepeatingThread

PROBE_PAUSE_SECONDS: Final = 0.05
PROBE_TIMEOUT_SECONDS: Final = 2.0
SAMPLE_PAUSE_SECONDS: Final = 0.25
MIB: Final = 2**20


class Probes(RepeatingThread):
    """Polls a probe path, as a load balancer does."""

    def __init__(self, port: int, path: str) -> None:
        """Poll `path` at `port`; status 0 means no answer."""
        super().__init__(PROBE_PAUSE_SECONDS)
        self._port, self._path = port, path
        self.answers: list[tuple[float, int]] = []

    def step(self) -> None:
        """Poll once."""
        connection = HTTPConnection("127.0.0.1", self._port, timeout=PROBE_TIMEOUT_SECONDS)
        try:
            connection.request("GET", self._path)
            status = connection.getresponse().status
        except (OSError, HTTPException):
            status = 0
        finally:
            connection.close()
        self.answers.append((time.monotonic(), status))

    def seconds_until(self, status: int, since: float) -> float | None:
        """Return the seconds from `since` to the first answer with this status, or None."""
        return next((at - since for at, answered in self.answers if at >= since and answered == status), None)

    def wait_for(self, status: int, since: float, seconds: float) -> None:
        """Wait until an answer after `since` has this status, for at most `seconds`."""
        until = time.monotonic() + seconds
        while self.seconds_until(status, since) is None and time.monotonic() < until:
            time.sleep(PROBE_PAUSE_SECONDS)


class Gauge(RepeatingThread):
    """Reads a gauge of `/metrics`."""

    def __init__(self, port: int, name: str) -> None:
        """Read the gauge `name`, which has no labels."""
        super().__init__(PROBE_PAUSE_SECONDS)
        self._port, self._name = port, name
        self.values: list[tuple[float, float]] = []

    def step(self) -> None:
        """Read once; nothing is added without an answer."""
        value = read_metric(self._port, self._name)
        if value is not None:
            self.values.append((time.monotonic(), value))

    def seconds_until(self, value: float, since: float) -> float | None:
        """Return the seconds from `since` until the gauge first had this value, or None."""
        return next((at - since for at, found in self.values if at >= since and found == value), None)

    def wait_for(self, value: float, since: float, seconds: float) -> float | None:
        """Wait until the gauge has this value after `since`, for at most `seconds`; returns as `seconds_until`."""
        until = time.monotonic() + seconds
        while (found := self.seconds_until(value, since)) is None and time.monotonic() < until:
            time.sleep(PROBE_PAUSE_SECONDS)
        return found


def read_metric(port: int, name: str) -> float | None:
    """Return the value of a metric, or None if there is no answer.

    `name` includes the labels, if it has any: `NAME{label="value"}`.
    """
    connection = HTTPConnection("127.0.0.1", port, timeout=PROBE_TIMEOUT_SECONDS)
    try:
        connection.request("GET", "/metrics")
        page = connection.getresponse().read().decode()
    except (OSError, HTTPException):
        return None
    finally:
        connection.close()
    return next((float(line.split()[-1]) for line in page.splitlines() if line.startswith(f"{name} ")), None)


class Usage(RepeatingThread):
    """Samples a server's resident memory and open file descriptors."""

    def __init__(self, server: Server, pause_seconds: float = SAMPLE_PAUSE_SECONDS) -> None:
        super().__init__(pause_seconds)
        self._server = server
        self._pid = server.pid
        self.samples: list[tuple[float, float, int]] = []

    def step(self) -> None:
        """Append one sample: time, memory in MiB, number of file descriptors."""
        memory = resident_bytes(self._server) / MIB
        self.samples.append((time.monotonic(), memory, len(list(Path(f"/proc/{self._pid}/fd").iterdir()))))

    @property
    def growth_mib(self) -> float:
        """The peak of the memory minus the first sample."""
        return max(memory for _, memory, _ in self.samples) - self.samples[0][1]

    def slope(self, of: Callable[[tuple[float, float, int]], float], since: float) -> float:
        """Return the slope per second of a least-squares line through `of(sample)`, for samples from `since` on."""
        kept = [sample for sample in self.samples if sample[0] >= since]
        mean_at = sum(sample[0] for sample in kept) / len(kept)
        mean = sum(of(sample) for sample in kept) / len(kept)
        spread = sum((sample[0] - mean_at) ** 2 for sample in kept)
        return sum((sample[0] - mean_at) * (of(sample) - mean) for sample in kept) / spread if spread else 0.0
