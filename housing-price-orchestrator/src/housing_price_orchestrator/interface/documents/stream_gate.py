"""Where blocks of streams wait, so that too many of them are slow instead of wrong."""

import asyncio
from collections import deque
from collections.abc import Callable
from types import TracebackType

INITIAL_BLOCKS = 4
"""So many are let through in the beginning; each that comes back makes room for one more (TCP's slow start)."""


class StreamGate:
    """Lets a bounded number of blocks of all streams through; the others wait here, where no deadline runs.

    How many depends on what can be answered in time just now, and there is always at least one.
    """

    def __init__(self, *, max_blocks: int, affordable_blocks: Callable[[], float]) -> None:
        """Let up to `max_blocks` through, and not more than `affordable_blocks` says at that moment."""
        self._max_blocks = max_blocks
        self._affordable_blocks = affordable_blocks
        self._window = min(INITIAL_BLOCKS, max_blocks)
        self._active = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def __aenter__(self) -> None:
        """Wait for one's turn."""
        if not self._waiting and self._active < self._shrink_window():
            self._active += 1
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                # It had its turn in the moment in which it left.
                self._release()
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Make room for the next."""
        self._window = min(self._window + 1, self._max_blocks)
        self._release()

    def _shrink_window(self) -> int:
        # What is found to be too many is not tried again at once.
        self._window = max(1, int(min(self._window, self._affordable_blocks())))
        return self._window

    def _release(self) -> None:
        self._active -= 1
        while self._waiting and (self._waiting[0].done() or self._active < self._shrink_window()):
            turn = self._waiting.popleft()
            if not turn.done():
                self._active += 1
                turn.set_result(None)
