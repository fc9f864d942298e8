"""Where blocks of streams wait, so that too many of them are slow instead of wrong."""

import asyncio
from collections import deque
from collections.abc import Callable
from types import TracebackType

FIRST_BLOCKS = 4
"""So many are let through in the beginning; each that comes back makes room for one more (TCP's slow start)."""


class StreamGate:
    """Lets a bounded number of blocks of all streams through; the others wait here, where no deadline runs.

    How many depends on what can be answered in time just now, and there is always at least one.
    """

    def __init__(self, *, most: int, affordable: Callable[[], float]) -> None:
        """Let up to `most` through, and not more than `affordable` says at that moment."""
        self._most = most
        self._affordable = affordable
        self._room = min(FIRST_BLOCKS, most)
        self._inside = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def __aenter__(self) -> None:
        """Wait for one's turn."""
        if not self._waiting and self._inside < self._limit():
            self._inside += 1
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                # It had its turn in the moment in which it left.
                self._leave()
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Make room for the next."""
        self._room = min(self._room + 1, self._most)
        self._leave()

    def _limit(self) -> int:
        # What is found to be too many is not tried again at once.
        self._room = max(1, int(min(self._room, self._affordable())))
        return self._room

    def _leave(self) -> None:
        self._inside -= 1
        while self._waiting and (self._waiting[0].done() or self._inside < self._limit()):
            turn = self._waiting.popleft()
            if not turn.done():
                self._inside += 1
                turn.set_result(None)
