"""Writes to a file from a thread of its own, so that whoever reads it slowly slows nobody else down.

What reads standard output is often a pipe, and a pipe holds 64 KiB. Where its reader falls behind, a write waits; on
the event loop, every request would wait with it.
"""

import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import TextIO

MAX_EVENTS = 20_000
"""What is written while so much waits is lost, and counted: some 10 MB, or ten seconds of a busy process."""

PAUSE_SECONDS = 0.05
"""Between two writes, so that many events go together and the thread seldom asks for its turn: each time that it does
while requests are served, the event loop hands the interpreter over and back, and the system wakes both."""

CLOSE_SECONDS = 5.0
"""How long closing waits for the reader."""


class BackgroundOutput:
    """What passes for a text file and never makes its writer wait."""

    def __init__(self, file: TextIO, *, tell_lost: Callable[[int], None], max_events: int = MAX_EVENTS) -> None:
        """Write to `file`; `tell_lost` is called, in the thread, with how many writes were lost once there is room."""
        self._file = file
        self._tell_lost = tell_lost
        self._max_events = max_events
        self._waiting: deque[str] = deque()
        self._lost = 0
        self._is_closed = False
        self._has_work = threading.Event()
        self._thread = threading.Thread(target=self._run, name="log", daemon=True)
        self._thread.start()

    def write(self, text: str) -> int:
        """Have `text` written soon, in one piece."""
        if len(self._waiting) >= self._max_events:
            self._lost += 1
        else:
            self._waiting.append(text)
            if not self._has_work.is_set():
                self._has_work.set()
        return len(text)

    def flush(self) -> None:
        """Do nothing: it is written soon anyway."""

    def close(self) -> None:
        """Write what waits, as far as the reader takes it in bounded time."""
        self._is_closed = True
        self._has_work.set()
        self._thread.join(CLOSE_SECONDS)

    def _run(self) -> None:
        while not self._is_closed:
            self._has_work.wait()
            if not self._is_closed:
                time.sleep(PAUSE_SECONDS)
            self._has_work.clear()
            self._write_waiting()
            if self._lost:
                lost, self._lost = self._lost, 0
                self._tell_lost(lost)
        self._write_waiting()

    def _write_waiting(self) -> None:
        # What is written meanwhile is for the next time: this must come to an end.
        pieces = [self._waiting.popleft() for _ in range(len(self._waiting))]
        # A reader that has gone is no reason to stop serving.
        with contextlib.suppress(OSError, ValueError):
            self._file.write("".join(pieces))
            self._file.flush()
