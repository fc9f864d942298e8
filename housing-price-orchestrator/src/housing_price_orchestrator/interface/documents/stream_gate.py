"""Limits how many blocks of all streams are priced concurrently, so that many streams slow down instead of failing."""

import asyncio
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Final

INITIAL_BLOCKS: Final = 4
"""Initial limit; each finished block raises the limit by one (as in TCP slow start)."""


class StreamGate:
    """A context manager that limits concurrent blocks; the others wait in order, and no deadline runs while they wait.

    The limit follows what can currently be priced in time, and is at least 1.
    """

    def __init__(self, *, max_blocks: int, affordable_blocks: Callable[[], float]) -> None:
        """Allow at most `max_blocks`, and at most what `affordable_blocks` returns at that moment."""
        self._max_blocks = max_blocks
        self._affordable_blocks = affordable_blocks
        self._window = min(INITIAL_BLOCKS, max_blocks)
        self._active = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def __aenter__(self) -> None:
        """Wait for a place."""
        if not self._waiting and self._active < self._shrink_window():
            self._active += 1
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                # The place was granted just before the cancellation, so pass it on.
                self._release()
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Raise the limit by one and free the place."""
        self._window = min(self._window + 1, self._max_blocks)
        self._release()

    def _shrink_window(self) -> int:
        # The limit stays reduced: it grows again only by one per finished block.
        self._window = max(1, int(min(self._window, self._affordable_blocks())))
        return self._window

    def _release(self) -> None:
        self._active -= 1
        while self._waiting and (self._waiting[0].done() or self._active < self._shrink_window()):
            turn = self._waiting.popleft()
            if not turn.done():
                self._active += 1
                turn.set_result(None)
