"""A thread that repeats one step while a `with` block runs."""

import threading
from types import TracebackType
from typing import Self


class RepeatingThread:
    """Calls `step` at once and then after each pause, until the block ends. An error in `step` ends the thread."""

    def __init__(self, pause_seconds: float) -> None:
        self._pause_seconds = pause_seconds
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name=type(self).__name__)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """End the thread after its current step. Further calls do nothing."""
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        while True:
            self.step()
            if self._ended.wait(self._pause_seconds):
                return

    def step(self) -> None:
        """Do what this thread repeats."""
        raise NotImplementedError
