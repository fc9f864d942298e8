"""Writes to a file from a separate thread, so that a slow reader does not block the event loop.

Standard output is often a pipe, which buffers 64 KiB. When its reader falls behind, writes block; on the event loop,
every request would wait.
"""

import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Final, TextIO

MAX_EVENTS: Final = 20_000
"""Maximum queued events; further ones are dropped and counted. About 10 MB, or ten seconds of a busy process."""

PAUSE_SECONDS: Final = 0.05
"""Pause between writes, so that each write has many events. Every wake-up of the thread takes the interpreter lock from
the event loop and costs two context switches."""

CLOSE_SECONDS: Final = 5.0
"""Maximum wait of `close` for the reader."""


class BackgroundOutput:
    """A writable text file whose `write` never blocks."""

    def __init__(self, file: TextIO, *, report_lost: Callable[[int], None], max_events: int = MAX_EVENTS) -> None:
        """Write to `file`. The thread calls `report_lost` with the number of dropped writes, once there is room."""
        self._file = file
        self._report_lost = report_lost
        self._max_events = max_events
        self._queue: deque[str] = deque()
        self._lost = 0
        self._is_closed = False
        self._has_work = threading.Event()
        self._thread = threading.Thread(target=self._run, name="log", daemon=True)
        self._thread.start()

    def write(self, text: str) -> int:
        """Queue `text`, to be written as one piece."""
        if len(self._queue) >= self._max_events:
            self._lost += 1
        else:
            self._queue.append(text)
            if not self._has_work.is_set():
                self._has_work.set()
        return len(text)

    def flush(self) -> None:
        """Do nothing: the thread writes soon."""

    def close(self) -> None:
        """Write the queued events, waiting for the reader at most `CLOSE_SECONDS`."""
        self._is_closed = True
        self._has_work.set()
        self._thread.join(CLOSE_SECONDS)

    def _run(self) -> None:
        while not self._is_closed:
            self._has_work.wait()
            if not self._is_closed:
                time.sleep(PAUSE_SECONDS)
            self._has_work.clear()
            self._write_queued()
            if self._lost:
                lost, self._lost = self._lost, 0
                self._report_lost(lost)
        self._write_queued()

    def _write_queued(self) -> None:
        # Events queued meanwhile are left for the next round, so that this one ends.
        pieces = [self._queue.popleft() for _ in range(len(self._queue))]
        # The service continues without a log reader.
        with contextlib.suppress(OSError, ValueError):
            self._file.write("".join(pieces))
            self._file.flush()
